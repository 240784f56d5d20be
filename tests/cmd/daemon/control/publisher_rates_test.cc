#include "cmd/daemon/control/publisher_rates.h"

#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;
constexpr std::uint64_t kNs = 1'000'000'000;
constexpr std::uint32_t kAnn = 1'000;
constexpr std::uint32_t kBob = 1'001;

TEST_CASE("each user has a rate of its own, and a large request passes late") {
  PublisherRates rates({.per_second = 10, .burst = 5});
  Instant now{kSecond};
  CHECK(rates.wait_ns(kAnn, 100, now) == 0);  // Nothing is known of a user with a full bucket.
  std::uint64_t published = 0;
  for (; now.us < 11 * kSecond; now.us += 1'000) {
    if (rates.wait_ns(kAnn, 1, now) > 0) continue;
    rates.take(kAnn, 1, now);
    ++published;
  }
  CHECK(published >= 104);
  CHECK(published <= 105);
  CHECK(rates.wait_ns(kAnn, 3, now) > 0);
  CHECK(rates.wait_ns(kBob, 5, now) == 0);
  rates.take(kBob, 25, now);
  CHECK(rates.wait_ns(kBob, 1, now) == kNs * 21 / 10);
  now.us += 3 * kSecond;
  CHECK(rates.wait_ns(kBob, 25, now) == 0);
}

TEST_CASE("without a rate nothing is limited and nothing is remembered") {
  PublisherRates rates({});
  rates.take(kAnn, 1'000'000, {kSecond});
  CHECK(rates.wait_ns(kAnn, 1'000'000, {kSecond}) == 0);
  CHECK(rates.users() == 0);
}

TEST_CASE("another rate counts at once, and the same one changes nothing") {
  PublisherRates rates({.per_second = 1, .burst = 1});
  const Instant now{kSecond};
  rates.take(kAnn, 1, now);
  rates.set_rate({.per_second = 1, .burst = 1});
  CHECK(rates.wait_ns(kAnn, 1, now) == kNs);
  rates.set_rate({.per_second = 2, .burst = 1});
  CHECK(rates.wait_ns(kAnn, 1, now) == 0);
  rates.take(kAnn, 1, now);
  CHECK(rates.wait_ns(kAnn, 1, now) == kNs / 2);
  rates.set_rate({});
  CHECK(rates.wait_ns(kAnn, 1, now) == 0);
}

TEST_CASE("a full table forgets the bucket that is full the longest") {
  PublisherRates rates({.per_second = 1, .burst = 10});
  Instant now{kSecond};
  rates.take(kAnn, 10, now);
  rates.take(kBob, 1, now);
  for (std::uint32_t uid = 2'000; rates.users() < PublisherRates::kUsersMax; ++uid) {
    now.us += 10;
    rates.take(uid, 5, now);
  }
  now.us += 2 * kSecond;  // Bob's bucket is full, the others are not.
  const std::uint64_t owed = rates.wait_ns(kAnn, 1, now);
  CHECK(owed == 0);
  CHECK(rates.wait_ns(kAnn, 10, now) > 0);
  CHECK(rates.wait_ns(kBob, 10, now) == 0);
  rates.take(7, 10, now);
  CHECK(rates.users() == PublisherRates::kUsersMax);
  CHECK(rates.wait_ns(kAnn, 10, now) > 0);
  CHECK(rates.wait_ns(2'000, 10, now) > 0);
  CHECK(rates.wait_ns(7, 1, now) > 0);
  rates.take(8, 10, now);  // No bucket is full: the one that is nearest to it goes.
  CHECK(rates.wait_ns(2'000, 10, now) == 0);
  CHECK(rates.wait_ns(2'001, 10, now) > 0);
}

}  // namespace
}  // namespace crier::cmd
