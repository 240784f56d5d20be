#include "core/request_limiter.h"

#include <atomic>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.h"

namespace crier {
namespace {

using Verdict = RequestLimiter::Verdict;

constexpr HashKey kLimiterKey{0x0123456789abcdef, 0xfedcba9876543210};
constexpr std::uint64_t kMs = 1'000;  // Microseconds.

RequestLimiter::Address client(std::uint64_t n) {
  RequestLimiter::Address address{};
  std::memcpy(address.data() + 4, &n, sizeof(n));
  return address;
}

char letter(Verdict verdict) {
  constexpr std::string_view kLetters = "arOo";  // In the order of the enumerators.
  return kLetters[static_cast<std::size_t>(verdict)];
}

}  // namespace

// In `expected`: a allowed, r refused, O refused and the breaker opens, o the breaker is open.
TEST_CASE("the verdicts on requests at given times") {
  struct Times {
    const char* name;
    RequestLimit limit;
    std::vector<std::uint64_t> at_ms;
    std::string expected;
  };
  const auto [name, limit, at_ms, expected] = GENERATE(values<Times>({
      {"no limit", {{0, 1}, 60}, {0, 0, 0, 0, 0}, "aaaaa"},
      {"one a second, burst of 1", {{1, 1}, 60}, {0, 999, 1'000, 1'999, 2'000}, "arara"},
      {"one a second, burst of 3", {{1, 3}, 60}, {0, 0, 0, 999, 1'000, 1'001}, "aaarar"},
      {"a pause earns no more than the burst",
       {{1, 2}, 60},
       {0, 0, 0, 9'000, 9'000, 9'000},
       "aaraar"},
      {"three refusals in a row open the breaker", {{1, 1}, 60}, {0, 0, 1, 2, 3, 60'000}, "arrOoo"},
      {"an allowed request between them does not",
       {{1, 1}, 60},
       {0, 1, 2, 1'000, 1'001, 1'002, 2'000},
       "arrarra"},
      {"without a breaker they go on", {{1, 1}, 0}, {0, 0, 0, 0, 0, 0, 1'000}, "arrrrra"},
      {"half-open, and closed by an allowed request",
       {{1, 1}, 60},
       {0, 0, 0, 0, 59'999, 60'000, 60'000, 60'000, 60'000},
       "arrOoarrO"},
      {"the bucket of an open breaker fills up",
       {{1, 2}, 2},
       {0, 0, 0, 0, 0, 1'999, 2'000, 2'000},
       "aarrOoaa"},
      {"a breaker of an hour",
       {{1'000'000, 1}, 3'600},
       {0, 0, 0, 0, 3'599'999, 3'600'000},
       "arrOoa"},
      {"a clock that is behind another worker's",
       {{1, 1}, 60},
       {5'000, 4'990, 4'999, 6'000},
       "arra"},
  }));
  INFO(name);
  // Monotonic clocks begin anywhere; 2^53 us are 285 years.
  const std::uint64_t start =
      GENERATE(std::uint64_t{1}, std::uint64_t{1} << 32, std::uint64_t{1} << 53);
  RequestLimiter limiter(100, kLimiterKey);
  std::string verdicts;
  bool open = false;
  for (const std::uint64_t ms : at_ms) {
    const Instant now{start + ms * kMs};
    if (limiter.is_open(client(1), limit, now)) {
      CHECK(open);
    }
    verdicts += letter(limiter.ask(client(1), limit, now));
    open = limiter.is_open(client(1), limit, now);
    CHECK(open == (verdicts.back() == 'O' || verdicts.back() == 'o'));
  }
  CHECK(verdicts == expected);
  CHECK(limiter.ask(client(2), limit, {start}) == Verdict::allowed);  // Another address.
}

TEST_CASE("the highest rates are exact, too") {
  const RequestLimit limit{{1'000'000, 1}, 0};
  RequestLimiter limiter(1, kLimiterKey);
  for (std::uint64_t us = 5; us < 100; ++us) {
    CHECK(limiter.ask(client(1), limit, {us}) == Verdict::allowed);
    CHECK(limiter.ask(client(1), limit, {us}) == Verdict::refused);
  }
  const RequestLimit large{{1'000'000, 1'000'000}, 0};
  std::uint32_t allowed = 0;
  while (limiter.ask(client(2), large, {5}) == Verdict::allowed) ++allowed;
  CHECK(allowed == 1'000'000);
}

TEST_CASE("a request that is refused half-open opens the breaker again") {
  RequestLimiter limiter(1, kLimiterKey);
  const RequestLimit before{{1, 1'000}, 60};
  for (int i = 0; i < 1'000; ++i) REQUIRE(limiter.ask(client(1), before, {1}) == Verdict::allowed);
  for (const char expected : std::string("rrOo")) {
    CHECK(letter(limiter.ask(client(1), before, {1})) == expected);
  }
  // A reload lowers the burst: the bucket is empty under the new limit.
  const RequestLimit after{{1, 5}, 60};
  const Instant half_open{60'001 * kMs};
  CHECK_FALSE(limiter.is_open(client(1), after, half_open));
  CHECK(limiter.ask(client(1), after, half_open) == Verdict::opened);
  CHECK(limiter.ask(client(1), after, half_open) == Verdict::open);
  CHECK(limiter.ask(client(1), after, {121'000 * kMs}) == Verdict::allowed);
  CHECK(limiter.ask(client(1), after, {121'000 * kMs}) == Verdict::allowed);  // It is closed.
}

TEST_CASE("a raised rate holds at once, also for an address that has used up its burst") {
  RequestLimiter limiter(1, kLimiterKey);
  const RequestLimit before{{1, 200}, 60};
  for (int i = 0; i < 200; ++i) REQUIRE(limiter.ask(client(1), before, {1}) == Verdict::allowed);
  const RequestLimit after{{20, 200}, 60};
  CHECK(limiter.ask(client(1), after, {1}) == Verdict::refused);
  CHECK(limiter.ask(client(1), after, {1 + 50 * kMs}) == Verdict::allowed);
}

TEST_CASE("an address is not shut out for longer than a reload allows") {
  RequestLimiter limiter(1, kLimiterKey);
  const RequestLimit before{{1, 1}, 3'600};
  for (int i = 0; i < 4; ++i) limiter.ask(client(1), before, {1});
  REQUIRE(limiter.is_open(client(1), before, {2}));
  const RequestLimit after{{1, 1}, 60};
  CHECK_FALSE(limiter.is_open(client(1), after, {2}));
  CHECK(limiter.is_open(client(1), after, {3'550'000 * kMs}));  // Less than a minute is left.
  CHECK(limiter.ask(client(1), after, {2'000 * kMs}) == Verdict::allowed);
  CHECK_FALSE(limiter.is_open(client(1), after, {3'550'000 * kMs}));
}

TEST_CASE("a breaker that is switched off while it is open refuses no address") {
  RequestLimiter limiter(1, kLimiterKey);
  const RequestLimit limit{{1, 1}, 60};
  for (int i = 0; i < 4; ++i) limiter.ask(client(1), limit, {1});
  REQUIRE(limiter.is_open(client(1), limit, {2}));
  const RequestLimit no_breaker{{1, 1}, 0};
  CHECK_FALSE(limiter.is_open(client(1), no_breaker, {2}));
  CHECK(limiter.ask(client(1), no_breaker, {2}) == Verdict::refused);
  const RequestLimit no_limit{{0, 1}, 60};
  CHECK_FALSE(limiter.is_open(client(1), no_limit, {2}));
  CHECK(limiter.ask(client(1), no_limit, {2}) == Verdict::allowed);
}

TEST_CASE("a full table forgets the address whose bucket has been full the longest") {
  RequestLimiter limiter(7, kLimiterKey);  // One set.
  const RequestLimit limit{{1, 1}, 60};
  for (std::uint64_t n = 1; n <= 7; ++n) {
    REQUIRE(limiter.ask(client(n), limit, {n * kMs}) == Verdict::allowed);
  }
  CHECK(limiter.ask(client(8), limit, {8 * kMs}) == Verdict::allowed);
  for (std::uint64_t n = 2; n <= 8; ++n) {
    INFO(n);
    CHECK(limiter.ask(client(n), limit, {9 * kMs}) == Verdict::refused);
  }
  CHECK(limiter.ask(client(1), limit, {9 * kMs}) == Verdict::allowed);  // Forgotten.
}

TEST_CASE("a full table forgets addresses that are shut out last, and serves newcomers") {
  RequestLimiter limiter(7, kLimiterKey);
  const RequestLimit limit{{1, 1}, 60};
  const auto shut_out = [&](std::uint64_t n, std::uint64_t at_ms) {
    for (int i = 0; i < 4; ++i) limiter.ask(client(n), limit, {at_ms * kMs});
    REQUIRE(limiter.is_open(client(n), limit, {at_ms * kMs}));
  };
  for (std::uint64_t n = 1; n <= 6; ++n) shut_out(n, n);
  for (std::uint64_t n = 100; n < 1'100; ++n) {  // Innocents share one row.
    REQUIRE(limiter.ask(client(n), limit, {n * kMs}) == Verdict::allowed);
  }
  const Instant later{2'000 * kMs};
  for (std::uint64_t n = 1; n <= 6; ++n) CHECK(limiter.is_open(client(n), limit, later));

  shut_out(7, 2'000);
  CHECK(limiter.ask(client(8), limit, later) == Verdict::allowed);
  CHECK_FALSE(limiter.is_open(client(1), limit, later));  // The oldest.
  for (std::uint64_t n = 2; n <= 7; ++n) CHECK(limiter.is_open(client(n), limit, later));
  CHECK(limiter.ask(client(9), limit, later) == Verdict::allowed);  // In place of 8.
  for (std::uint64_t n = 2; n <= 7; ++n) CHECK(limiter.is_open(client(n), limit, later));
}

TEST_CASE("a table that is half full holds nearly all that are shut out") {
  RequestLimiter limiter(RequestLimiter::kAddressesMax, kLimiterKey);
  const RequestLimit limit{{1, 1}, 60};
  constexpr std::uint64_t kShutOut = RequestLimiter::kAddressesMax / 2;
  for (std::uint64_t n = 0; n < kShutOut; ++n) {
    for (int i = 0; i < 4; ++i) limiter.ask(client(n), limit, {1});
  }
  std::uint64_t open = 0;
  for (std::uint64_t n = 0; n < kShutOut; ++n) open += limiter.is_open(client(n), limit, {2});
  CHECK(open > kShutOut * 97 / 100);
}

TEST_CASE("all threads together get one burst, and one of them opens the breaker") {
  constexpr int kThreads = 4;
  constexpr int kAsks = 2'000;
  constexpr std::uint64_t kClients = 10;  // More than a set has rows for are never in one here.
  const RequestLimit limit{{1, 1'000}, 60};
  RequestLimiter limiter(RequestLimiter::kAddressesMax, kLimiterKey);
  std::atomic<std::uint32_t> verdicts[kClients][4] = {};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kAsks; ++i) {
        for (std::uint64_t n = 0; n < kClients; ++n) {
          const Verdict verdict = limiter.ask(client(n), limit, {1});
          ++verdicts[n][static_cast<std::size_t>(verdict)];
          if (verdict == Verdict::opened) ++verdicts[n][3];
          if (verdict != Verdict::allowed) limiter.is_open(client(n), limit, {1});
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (auto& of_client : verdicts) {
    CHECK(of_client[0] == 1'000);
    CHECK(of_client[1] == 2);
    CHECK(of_client[2] == 1);
    CHECK(of_client[3] == kThreads * kAsks - 1'002);
  }
}

TEST_CASE("threads that need the rows of one set for different addresses lose none of them") {
  RequestLimiter limiter(7, kLimiterKey);
  const RequestLimit limit{{1, 1}, 60};
  for (int i = 0; i < 4; ++i) limiter.ask(client(0), limit, {1});
  std::vector<std::thread> threads;
  for (std::uint64_t t = 1; t <= 4; ++t) {
    threads.emplace_back([&limiter, &limit, t] {
      for (std::uint64_t n = 0; n < 5'000; ++n) limiter.ask(client(t << 32 | n), limit, {1 + n});
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(limiter.is_open(client(0), limit, {5'001}));
}

}  // namespace crier
