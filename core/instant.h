// Time as a value. Code in core and broadcast never reads a clock: its caller passes the time in,
// so a test can simulate a day in a millisecond. Values; any thread.
#pragma once

#include <compare>
#include <cstdint>

namespace crier {

// Coarse time that fits into a stream's slot: steps of 10 ms that wrap after 497 days. Only the
// difference of two ticks has a meaning.
struct Tick {
  std::uint32_t value = 0;
  friend bool operator==(Tick, Tick) = default;
};

inline constexpr std::uint32_t kTickMicros = 10'000;
inline constexpr std::uint32_t kTicksPerSecond = 1'000'000 / kTickMicros;

// Returns the ticks from `then` to `now`. Correct across a wrap.
constexpr std::uint32_t ticks_between(Tick then, Tick now) {
  return now.value - then.value;
}

// A time of the monotonic clock, in microseconds. The daemon's clock (net::Loop::now) counts from
// 400 days before the machine's start, so that events that a journal has kept have a time, too.
struct Instant {
  std::uint64_t us = 0;

  constexpr Tick tick() const { return Tick{static_cast<std::uint32_t>(us / kTickMicros)}; }
  friend auto operator<=>(Instant, Instant) = default;
};

inline constexpr std::uint64_t kMicrosBeforeBoot = std::uint64_t{400} * 24 * 3'600 * 1'000'000;

// Returns the time as other programs of this machine read it; 0: it was before the machine's start.
constexpr std::uint64_t micros_since_boot(Instant then) {
  return then.us - (then.us < kMicrosBeforeBoot ? then.us : kMicrosBeforeBoot);
}

constexpr Instant after_ms(Instant then, std::uint32_t ms) {
  return {then.us + std::uint64_t{ms} * 1'000};
}

}  // namespace crier
