#include "metrics/reading.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

namespace crier::metrics {
namespace {

TEST_CASE("the sum of a family is that of its known series") {
  Counter one;
  Counter other;
  one.add(3);
  other.add(4);
  Catalogue catalogue;
  catalogue.counter("things_total", "Things.")
      .add({{"reason", "a"}}, one)
      .add({{"reason", "b"}}, other)
      .add({{"reason", "c"}}, [] { return std::optional<double>(); });
  catalogue.gauge("unknown", "Unknown.").add([] { return std::optional<double>(); });
  CHECK(sum(*catalogue.find("things_total")) == 7);
  CHECK(sum(*catalogue.find("unknown")) == std::nullopt);
  CHECK(catalogue.find("things") == nullptr);
}

TEST_CASE("values by label come largest first, without zeros") {
  std::array<Counter, 4> counters;
  counters[0].add(3);
  counters[1].add(5);
  counters[3].add(5);
  Catalogue catalogue;
  catalogue.counter("things_total", "Things.")
      .add({{"reason", "x"}}, counters[0])
      .add({{"reason", "y"}}, counters[1])
      .add({{"reason", "z"}}, counters[2])
      .add({{"reason", "w"}}, counters[3]);
  CHECK(by_label(*catalogue.find("things_total")) ==
        std::vector<std::pair<std::string, double>>{{"w", 5}, {"y", 5}, {"x", 3}});
}

constexpr std::array<std::uint64_t, 3> kReadBounds = {1'000, 10'000, 100'000};

TEST_CASE("quantiles are interpolated over all workers, in the unit of the name") {
  Histogram<3> one(kReadBounds);
  Histogram<3> other(kReadBounds);
  Catalogue catalogue;
  catalogue.histogram("wait_seconds", "How long.", 1e6).add(one).add(other);
  const Family& family = *catalogue.find("wait_seconds");
  CHECK(quantile(family, 0.5) == std::nullopt);
  for (int i = 0; i < 40; ++i) one.observe(5'000);
  for (int i = 0; i < 10; ++i) one.observe(50'000);
  for (int i = 0; i < 40; ++i) other.observe(5'000);
  for (int i = 0; i < 9; ++i) other.observe(50'000);
  other.observe(500'000);
  CHECK(*quantile(family, 0) == Approx(0.001));
  CHECK(*quantile(family, 0.5) == Approx(0.001 + 0.009 * 50 / 80));
  CHECK(*quantile(family, 0.8) == Approx(0.01));
  CHECK(*quantile(family, 0.9) == Approx(0.01 + 0.09 * 10 / 19));
  CHECK(*quantile(family, 1) == Approx(0.1));  // Values beyond the last bound count as that bound.
}

}  // namespace
}  // namespace crier::metrics
