#include "core/cost_bucket.h"

#include "core/random.h"
#include "tests/support/catch.h"

namespace crier {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::uint64_t kNs = 1'000'000'000;

TEST_CASE("a bucket allows a burst, then the rate, and after a pause one burst again") {
  const CostRate rate{.per_second = 1'000, .burst = 500};
  CostBucket bucket;
  Instant now{77 * kSecond};
  CHECK(bucket.wait_ns(rate, 500, now) == 0);
  bucket.take(rate, 400, now);
  CHECK(bucket.wait_ns(rate, 100, now) == 0);
  CHECK(bucket.wait_ns(rate, 150, now) == kNs / 20);
  now.us += kSecond / 20;
  CHECK(bucket.wait_ns(rate, 150, now) == 0);
  CHECK(bucket.wait_ns(rate, 151, now) > 0);
  bucket.take(rate, 150, now);
  CHECK(bucket.wait_ns(rate, 1, now) == kNs / 1'000);
  now.us += 60 * kSecond;
  CHECK(bucket.wait_ns(rate, 500, now) == 0);
  bucket.take(rate, 500, now);
  CHECK(bucket.wait_ns(rate, 1, now) > 0);
}

TEST_CASE("a cost above the burst passes when the bucket is full, and leaves a debt") {
  const CostRate rate{.per_second = 100, .burst = 10};
  CostBucket bucket;
  Instant now{kSecond};
  bucket.take(rate, 1, now);
  CHECK(bucket.wait_ns(rate, 250, now) == kNs / 100);
  now.us += kSecond / 100;
  CHECK(bucket.wait_ns(rate, 250, now) == 0);
  bucket.take(rate, 250, now);
  CHECK(bucket.wait_ns(rate, 1, now) == kNs * 241 / 100);
  CHECK(bucket.full_at_ns() == now.us * 1'000 + kNs * 250 / 100);
}

TEST_CASE("no order of costs exceeds the rate") {
  const CostRate rate = GENERATE(CostRate{1, 1}, CostRate{7, 1'000}, CostRate{300'000, 65'536},
                                 CostRate{std::uint64_t{4} << 30, std::uint64_t{1} << 30});
  const std::uint64_t largest = GENERATE(1U, 300U, 8U << 20);
  Random random(rate.per_second + largest);
  CostBucket bucket;
  Instant now{kSecond};
  std::uint64_t debt = 0;  // The most that a cost above the burst has added to it.
  std::uint64_t taken = 0;
  for (int i = 0; i < 2'000; ++i) {
    const std::uint64_t cost = random.between(1, static_cast<std::uint32_t>(largest));
    // Waits exactly as long as it must, to the microsecond.
    now.us += (bucket.wait_ns(rate, cost, now) + 999) / 1'000;
    REQUIRE(bucket.wait_ns(rate, cost, now) == 0);
    bucket.take(rate, cost, now);
    taken += cost;
    debt = cost > rate.burst ? std::max(debt, cost - rate.burst) : debt;
    const double seconds = static_cast<double>(now.us - kSecond) / 1e6;
    const double allowed =
        seconds * static_cast<double>(rate.per_second) + static_cast<double>(rate.burst + debt);
    REQUIRE(static_cast<double>(taken) <= allowed * (1 + 1e-9) + 1);
  }
}

}  // namespace
}  // namespace crier
