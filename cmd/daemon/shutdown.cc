#include "cmd/daemon/shutdown.h"

#include <algorithm>
#include <utility>

#include "broadcast/streams/options.h"
#include "core/check.h"

namespace crier::cmd {
namespace {

constexpr std::uint64_t kDrainLookMs = 20;
constexpr std::uint32_t kStopSeconds = 5;  // For the last step.

// Streams that are ended in a second, and so come back in one, where the window allows it.
constexpr std::uint64_t kStreamsPerSecond = 1'000;

// The part of a short window that is left to slow clients: a fifth.
constexpr std::uint64_t kLastPart = 5;

// The time over which so many streams are ended. The end of the window is left to slow clients.
std::uint32_t spread_ms(std::uint64_t streams, std::uint32_t window_seconds) {
  const std::uint64_t window_ms = std::uint64_t{window_seconds} * 1'000;
  const std::uint64_t last_ms =
      std::min<std::uint64_t>(broadcast::kDrainLastMs, window_ms / kLastPart);
  return static_cast<std::uint32_t>(
      std::min(window_ms - last_ms, streams * 1'000 / kStreamsPerSecond));
}

}  // namespace

Shutdown::Shutdown(Parts parts)
    : parts_(std::move(parts)), timer_(parts_.loop, [this] { drain(); }) {}

void Shutdown::begin() {
  CRIER_CHECK(serving());
  phase_ = Phase::announced;
  const config::Drain& limits = parts_.config.drain;
  parts_.supervisor.stopping(limits.delay_seconds + limits.window_seconds + kStopSeconds);
  parts_.log.info("draining", {{"streams", parts_.streams.load()},
                               {"delay_seconds", limits.delay_seconds},
                               {"window_seconds", limits.window_seconds},
                               {"spread_ms", spread_ms(parts_.streams, limits.window_seconds)}});
  if (limits.delay_seconds == 0) {
    drain();
  } else {
    timer_.start_once(std::uint64_t{limits.delay_seconds} * 1'000);
  }
}

void Shutdown::drain() {
  const Instant now = net::Loop::now();
  if (phase_ == Phase::announced) {
    phase_ = Phase::draining;
    const std::uint32_t window_seconds = parts_.config.drain.window_seconds;
    parts_.supervisor.stopping(window_seconds + kStopSeconds);  // A reload may have changed it.
    const std::uint32_t spread = spread_ms(parts_.streams, window_seconds);
    const std::uint64_t drain_ms = std::min(std::uint64_t{window_seconds} * 1'000,
                                            std::uint64_t{spread} + broadcast::kDrainLastMs);
    drain_ends_ = Instant{now.us + drain_ms * 1'000};
    parts_.drain_workers(spread);
    timer_.start_repeating(kDrainLookMs);
    return;
  }
  if (phase_ == Phase::draining && (now >= drain_ends_ || parts_.streams.load() == 0)) stop_now();
}

void Shutdown::stop_now() {
  if (stopped()) return;
  phase_ = Phase::stopped;
  parts_.supervisor.stopping(kStopSeconds);
  parts_.stop();
}

}  // namespace crier::cmd
