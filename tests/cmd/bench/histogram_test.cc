#include "cmd/bench/histogram.h"

#include <memory>

#include "tests/support/catch.h"

using crier::bench::Histogram;

TEST_CASE("buckets follow one another and are at most 1 % wide") {
  for (std::uint64_t value = 1; value < (std::uint64_t{1} << 41); value += 1 + value / 1000) {
    const std::size_t bucket = Histogram::bucket_of(value);
    const std::uint64_t upper = Histogram::upper_edge(bucket);
    REQUIRE(upper >= value);
    REQUIRE(static_cast<double>(upper - value) <= 0.01 * static_cast<double>(value));
    REQUIRE(Histogram::bucket_of(upper) == bucket);
    REQUIRE(Histogram::bucket_of(upper + 1) == bucket + 1);
  }
}

TEST_CASE("percentiles are those of the values recorded, within a step") {
  const auto histogram = std::make_unique<Histogram>();
  CHECK(histogram->percentile(0.5) == 0);
  for (std::uint64_t i = 1; i <= 1000; ++i) histogram->record(i * 1000);
  CHECK(histogram->count() == 1000);
  CHECK(histogram->percentile(0.5) >= 500'000);
  CHECK(histogram->percentile(0.5) <= 505'000);
  CHECK(histogram->percentile(0.99) >= 990'000);
  CHECK(histogram->percentile(0.99) <= 1'000'000);
  CHECK(histogram->percentile(1) >= 1'000'000);
  CHECK(histogram->percentile(1) <= 1'010'000);

  const auto other = std::make_unique<Histogram>();
  other->record(~std::uint64_t{0});
  histogram->merge(*other);
  CHECK(histogram->count() == 1001);
  histogram->clear();
  CHECK(histogram->count() == 0);
}
