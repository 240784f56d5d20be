#include "cmd/daemon/limit_watch.h"

#include <utility>

namespace crier::cmd {
namespace {

// What happens at each limit, and what mends it.
constexpr std::array<std::string_view, kNamesOf<Limit>.size()> kEffects = {
    "new streams are refused; raise it, unless it is auto, and LimitNOFILE= (ulimit -n)",
    "streams on further topics are refused; raise it",
    "streams on further patterns are refused; raise it",
    "the connections that have waited longest without a whole request are closed; raise it, "
    "and LimitNOFILE= (ulimit -n), which may allow fewer",
    "the overflow policy applies to the streams that are owed most; raise it",
    "connections of publishers are closed or refused; raise it, or keep connections open",
};

}  // namespace

void LimitWatch::look(const LimitTimes& times, bool full, Instant now) {
  for (std::size_t i = 0; i < episodes_.size(); ++i) {
    Episode& episode = episodes_[i];
    const std::uint64_t before = std::exchange(episode.times, times.of(i));
    const bool is_level = i == static_cast<std::size_t>(Limit::streams_max);
    if (episode.times != before || (is_level && full)) {
      episode.reached = now;
      if (std::exchange(episode.open, true)) continue;
      episode.began = now;
      episode.times_before = before;
      log_.warning("limit reached", {{"limit", kNamesOf<Limit>[i]}, {"effect", kEffects[i]}});
    } else if (episode.open && now.us - episode.reached.us >= kQuietSeconds * 1'000'000) {
      episode.open = false;
      log_.info("limit no longer reached",
                {{"limit", kNamesOf<Limit>[i]},
                 {"times", episode.times - episode.times_before},
                 {"duration_seconds", (episode.reached.us - episode.began.us) / 1'000'000}});
    }
  }
}

}  // namespace crier::cmd
