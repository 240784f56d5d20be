#include "cmd/daemon/limit_watch.h"

#include <utility>
#include <vector>

namespace crier::cmd {
namespace {

// The effect of each limit once it is reached, and what to do about it.
constexpr std::array<std::string_view, kNamesOf<Limit>.size()> kEffects = {
    "new streams are refused; `crier status` names the bound; raise limits.streams_max, or where "
    "the system allows less, LimitNOFILE= (ulimit -n), and restart",
    "further streams of a topic are refused; raise this limit",
    "further streams of the topics of a row are refused; the lines about refused requests name "
    "the row; raise its streams_max",
    "streams that subscribe to new topics are refused; raise this limit",
    "streams that subscribe to new patterns are refused; raise this limit",
    "connections whose request is incomplete are closed, the longest waiting first; raise this "
    "limit, and LimitNOFILE= (ulimit -n), which may allow fewer",
    "the overflow policy applies to the streams that are owed most; raise this limit",
    "connections of publishers are closed or refused; raise this limit, or let publishers reuse "
    "their connections",
    "events of a user that publishes too fast are refused; the lines about refused requests name "
    "the user; raise this limit, or publish.burst",
};

}  // namespace

void LimitWatch::warn(Limit limit) const {
  std::vector<Field> fields = {{"limit", to_string(limit)}};
  if (const auto value = value_of_(limit)) fields.push_back({"value", *value});
  fields.push_back({"effect", kEffects[static_cast<std::size_t>(limit)]});
  log_.write(Level::warning, "limit reached", fields);
}

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
      warn(static_cast<Limit>(i));
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
