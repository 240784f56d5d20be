// Time as a value. core and broadcast never ask for the time: whoever calls them passes it, so a
// test lives through a day in a millisecond.
#pragma once

#include <compare>
#include <cstdint>

namespace crier {

// Coarse time that fits a stream's slot: steps of 10 ms, wrapping after 497 days. Only differences
// mean anything.
struct Tick {
  std::uint32_t value = 0;
  friend bool operator==(Tick, Tick) = default;
};

inline constexpr std::uint32_t kTickMicros = 10'000;
inline constexpr std::uint32_t kTicksPerSecond = 1'000'000 / kTickMicros;

// Ticks from `then` to `now`, right across a wrap.
constexpr std::uint32_t ticks_between(Tick then, Tick now) {
  return now.value - then.value;
}

// Microseconds of the monotonic clock.
struct Instant {
  std::uint64_t us = 0;

  constexpr Tick tick() const { return Tick{static_cast<std::uint32_t>(us / kTickMicros)}; }
  friend auto operator<=>(Instant, Instant) = default;
};

}  // namespace crier
