// A rate limit in four bytes: the generic cell rate algorithm (ITU-T I.371), which is a token
// bucket that stores one time instead of a count and a time.
//
// The bucket stores when the next event would be due if events came exactly at the rate, in
// microseconds modulo 2^32. An event is allowed while that time is less than `burst` events ahead
// of now. Differences are taken modulo 2^32, so available() or settle() must be called at least
// every half hour; the sweep does that.
//
// Belongs to one worker.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/instant.h"

namespace crier {

struct TokenRate {
  std::uint32_t interval_us = 0;  // Between two events at the rate; 0 means no limit.
  std::uint32_t credit_us = 0;    // burst x interval: how far ahead of the rate a stream may be.

  // Requires: burst / per_second <= 1,800 s. The configuration's ranges guarantee that.
  static constexpr TokenRate of(std::uint32_t per_second, std::uint32_t burst) {
    if (per_second == 0) return {};
    const std::uint32_t interval = 1'000'000 / per_second;
    return {interval, interval * burst};
  }
  constexpr bool unlimited() const { return interval_us == 0; }

  // Returns the lower one of this rate and `per_second`, which is 1 to 1,000,000. If that is
  // `per_second`, the burst is the events of one second, or this rate's burst if that is less.
  constexpr TokenRate lowered_to(std::uint32_t per_second) const {
    const TokenRate wanted = of(per_second, per_second);
    if (unlimited()) return wanted;
    if (wanted.interval_us <= interval_us) return *this;
    return of(per_second, std::min(per_second, credit_us / interval_us));
  }
  friend bool operator==(TokenRate, TokenRate) = default;
};

class TokenBucket {
 public:
  // Returns how many events may be sent now.
  std::uint32_t available(TokenRate rate, Instant now) {
    settle(now);
    const std::uint32_t ahead = due_ - low(now);
    return ahead >= rate.credit_us
               ? 0
               : (rate.credit_us - ahead + rate.interval_us - 1) / rate.interval_us;
  }

  // Uses up the tokens of `events` events. Requires: events <= available() at the same instant.
  void take(TokenRate rate, std::uint32_t events) { due_ += events * rate.interval_us; }

  // Makes the bucket full.
  void reset(Instant now) { due_ = low(now); }

  // Moves an idle bucket's time up to now, so that it never falls half the range of 2^32 behind.
  void settle(Instant now) {
    if (static_cast<std::int32_t>(due_ - low(now)) < 0) due_ = low(now);
  }

 private:
  static std::uint32_t low(Instant now) { return static_cast<std::uint32_t>(now.us); }

  std::uint32_t due_ = 0;
};

static_assert(sizeof(TokenBucket) == 4);

}  // namespace crier
