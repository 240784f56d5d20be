#include "core/token_bucket.h"

#include <algorithm>

#include "core/random.h"
#include "tests/support/catch.h"

namespace crier {
namespace {

// The reference: the same rule, with a time that does not wrap.
struct Model {
  std::uint64_t due = 0;

  std::uint64_t available(TokenRate rate, std::uint64_t now) {
    due = std::max(due, now);
    const std::uint64_t ahead = due - now;
    if (ahead >= rate.credit_us) return 0;
    return (rate.credit_us - ahead + rate.interval_us - 1) / rate.interval_us;
  }
};

TEST_CASE("a bucket counts as if its clock did not wrap") {
  constexpr std::uint64_t kHalf = std::uint64_t{1} << 31;
  const std::uint64_t start = GENERATE_COPY(kHalf - 50, kHalf, 2 * kHalf - 50, 2 * kHalf);
  const TokenRate rate = GENERATE(TokenRate::of(1, 1'800), TokenRate::of(1, 1),
                                  TokenRate::of(7, 100), TokenRate::of(1'000'000, 65'535));
  Random random(start + rate.credit_us);
  TokenBucket bucket;
  bucket.reset({start});
  Model model{start};
  std::uint64_t now = start;
  bool alike = true;
  for (int i = 0; i < 20'000; ++i) {
    // A bucket must be looked at at least every half hour.
    const std::uint32_t longest = i % 50 == 0 ? 1'800'000'000 : 2 * rate.interval_us;
    now += random.between(0, longest);
    const std::uint32_t available = bucket.available(rate, {now});
    alike = alike && available == model.available(rate, now);
    const std::uint32_t taken = random.between(0, available);
    bucket.take(rate, taken);
    model.due += std::uint64_t{taken} * rate.interval_us;
  }
  CHECK(alike);
}

TEST_CASE("a stream may send a burst at once, then the rate, and after a pause one burst again") {
  const TokenRate rate = TokenRate::of(10, 5);
  TokenBucket bucket;
  Instant now{1'000'000};
  bucket.reset(now);
  CHECK(bucket.available(rate, now) == 5);
  bucket.take(rate, 5);
  CHECK(bucket.available(rate, now) == 0);
  now.us += 100'000;
  CHECK(bucket.available(rate, now) == 1);
  bucket.take(rate, 1);
  CHECK(bucket.available(rate, now) == 0);
  now.us += 60'000'000;
  CHECK(bucket.available(rate, now) == 5);
  CHECK(TokenRate::of(0, 5).unlimited());
  CHECK_FALSE(rate.unlimited());
}

TEST_CASE("a rate is only lowered, and its burst is that of a second at most") {
  const auto [from, per_second, expected] = GENERATE(table<TokenRate, std::uint32_t, TokenRate>({
      {TokenRate(), 7, TokenRate::of(7, 7)},
      {TokenRate(), 1'000'000, TokenRate::of(1'000'000, 1'000'000)},
      {TokenRate::of(10, 5), 11, TokenRate::of(10, 5)},
      {TokenRate::of(10, 5), 10, TokenRate::of(10, 5)},
      {TokenRate::of(10, 5), 9, TokenRate::of(9, 5)},
      {TokenRate::of(10, 5), 2, TokenRate::of(2, 2)},
      {TokenRate::of(1'000, 1'000'000), 1, TokenRate::of(1, 1)},
  }));
  CHECK(from.lowered_to(per_second) == expected);
}

}  // namespace
}  // namespace crier
