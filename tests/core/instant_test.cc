#include "core/instant.h"

#include "tests/support/catch.h"

namespace crier {

TEST_CASE("a tick is 10 ms, and the difference of two ticks is correct across the wrap") {
  const std::uint64_t start = GENERATE(std::uint64_t{0}, 1'234, (std::uint64_t{1} << 32) - 2,
                                       std::uint64_t{1} << 32, (std::uint64_t{1} << 40) - 1);
  const Instant then{start * kTickMicros};
  CHECK(then.tick() == Instant{then.us + kTickMicros - 1}.tick());
  CHECK(ticks_between(then.tick(), then.tick()) == 0);
  CHECK(ticks_between(then.tick(), Instant{then.us + 5'000'000}.tick()) == 5 * kTicksPerSecond);
  CHECK(then < Instant{then.us + 1});
}

}  // namespace crier
