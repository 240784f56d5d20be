// Computes how long a subscriber waits before it connects again.
//
// The wait begins at the stream's `retry:` and doubles with each failed attempt in a row, up to 30
// s or to `retry:` if that is more. A random part of up to half the wait is added, so that many
// subscribers do not come back together. A value; belongs to one thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace crier::cmd {

class Backoff {
 public:
  static constexpr std::chrono::milliseconds kRetryDefault{2'000};
  static constexpr std::chrono::milliseconds kCeiling{30'000};

  void set_retry(std::chrono::milliseconds retry) { retry_ = retry; }
  // Call it when an attempt has opened a stream: the next wait begins at `retry` again.
  void worked() { failures_ = 0; }

  // The next wait. `random`: evenly distributed from 0 to 2^32 - 1.
  std::chrono::milliseconds next(std::uint32_t random) {
    constexpr std::uint32_t kDoublingsMax = 10;
    const auto doublings = std::min(failures_, kDoublingsMax);
    ++failures_;
    const auto base = std::clamp(retry_ * (1 << doublings), retry_, std::max(retry_, kCeiling));
    return base + base * static_cast<std::int64_t>(random >> 16) / (2 * 65'536);
  }

 private:
  std::chrono::milliseconds retry_ = kRetryDefault;
  std::uint32_t failures_ = 0;
};

}  // namespace crier::cmd
