#include "metrics/exporter.h"

#include <array>
#include <cstdint>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "metrics/catalogue.h"
#include "metrics/process_stats.h"
#include "tests/support/catch.h"

namespace crier::metrics {
namespace {

using Catch::Matchers::ContainsSubstring;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

TEST_CASE("the counters of all workers are summed for each reason") {
  std::array<Counter, 3> sent;
  std::array<Counter, 2> full;
  Catalogue catalogue;
  auto family = catalogue.counter("things_total", "Things.");
  for (const Counter& counter : sent) family.add({{"reason", "sent"}}, counter);
  for (const Counter& counter : full) family.add({{"reason", "full"}}, counter);
  sent[0].add(1);
  sent[2].add(40);
  CHECK(render(catalogue) ==
        "# HELP things_total Things.\n# TYPE things_total counter\n"
        "things_total{reason=\"sent\"} 41\nthings_total{reason=\"full\"} 0\n");
  full[1].add(2);
  CHECK_THAT(render(catalogue), ContainsSubstring("things_total{reason=\"full\"} 2\n"));
}

TEST_CASE("large counters keep their last digit") {
  Counter counter;
  counter.set(9'007'199'254'740'991);  // The largest odd integer a double holds.
  Catalogue catalogue;
  catalogue.gauge("large", "A large number.").add(counter);
  CHECK_THAT(render(catalogue), ContainsSubstring("large 9007199254740991\n"));
}

constexpr std::array<std::uint64_t, 3> kBounds = {250, 1'000, 2'500'000};

TEST_CASE("a histogram's buckets are cumulative, in seconds and over all workers") {
  Histogram<3> one(kBounds);
  Histogram<3> other(kBounds);
  Catalogue catalogue;
  catalogue.histogram("wait_seconds", "How long.", 1e6).add(one).add(other);
  one.observe(250);
  one.observe(251);
  for (int i = 0; i < 3; ++i) other.observe(1'000);
  other.observe(2'500'001);
  CHECK(render(catalogue) ==
        "# HELP wait_seconds How long.\n# TYPE wait_seconds histogram\n"
        "wait_seconds_count 6\nwait_seconds_sum 2.503502\n"
        "wait_seconds_bucket{le=\"0.00025\"} 1\nwait_seconds_bucket{le=\"0.001\"} 5\n"
        "wait_seconds_bucket{le=\"2.5\"} 5\nwait_seconds_bucket{le=\"+Inf\"} 6\n");
}

TEST_CASE("an unknown series is left out, and so is a family without a known one") {
  std::optional<double> value;
  Counter counter;
  Catalogue catalogue;
  catalogue.gauge("alone", "Help.").add([&value] { return value; });
  catalogue.gauge("beside", "Help.")
      .add({{"of", "reader"}}, [&value] { return value; })
      .add({{"of", "counter"}}, counter);
  CHECK(render(catalogue) ==
        "# HELP beside Help.\n# TYPE beside gauge\nbeside{of=\"counter\"} 0\n");
  value = 0.5;
  CHECK_THAT(render(catalogue),
             ContainsSubstring("alone 0.5\n") && ContainsSubstring("beside{of=\"reader\"} 0.5\n"));
}

TEST_CASE("labels are escaped as the format asks") {
  Counter counter;
  Catalogue catalogue;
  catalogue.gauge("odd", "Help.").add({{"value", "a\"b\\c\nd"}}, counter);
  CHECK(render(catalogue) ==
        "# HELP odd Help.\n# TYPE odd gauge\n"
        "odd{value=\"a\\\"b\\\\c\\nd\"} 0\n");
}

TEST_CASE("numbers that belong together are read once per period") {
  int readings = 0;
  Catalogue catalogue;
  catalogue.before_reading(/*every_us=*/500, [&readings] { ++readings; });
  catalogue.gauge("one", "Help.").add([&readings] { return readings; });
  catalogue.gauge("two", "Help.").add([&readings] { return readings; });
  for (const std::uint64_t now : {0U, 499U}) {
    catalogue.refresh({now});
    CHECK_THAT(render(catalogue), ContainsSubstring("\none 1\n") && ContainsSubstring("\ntwo 1\n"));
  }
  catalogue.refresh({500});
  CHECK_THAT(render(catalogue), ContainsSubstring("\none 2\n") && ContainsSubstring("\ntwo 2\n"));
}

TEST_CASE("samples() is the number of samples of a reading") {
  Counter counter;
  Histogram<3> histogram(kBounds);
  Catalogue catalogue;
  catalogue.counter("a_total", "Help.").add({{"r", "x"}}, counter).add({{"r", "y"}}, counter);
  catalogue.histogram("b_seconds", "Help.", 1).add(histogram);
  add_process_stats(catalogue);
  catalogue.refresh({});
  std::size_t samples = 0;
  for (const std::string& line : lines_of(render(catalogue))) samples += !line.starts_with('#');
  CHECK(samples == catalogue.samples());
}

}  // namespace
}  // namespace crier::metrics
