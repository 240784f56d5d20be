// Says in the log that a limit is reached, once, and that it is over, once.
//
// An episode begins when a limit is reached, and is over when it has not been reached for
// kQuietSeconds: a daemon that is full, where a stream leaves and another comes, is one episode.
//
// Belongs to the control loop.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "core/instant.h"
#include "core/log.h"
#include "core/names.h"

namespace crier::cmd {

// By the keys of the configuration.
enum class Limit : std::uint8_t {
  streams_max,
  streams_per_topic_max,
  class_streams_max,  // The streams_max of a row of `topics`.
  topics_max,         // Of topics that streams are subscribed to.
  patterns_max,
  pending_requests_max,
  owed_total_bytes_max,
  publish_connections_max,
  publish_rate,  // Of one user.
};
constexpr std::array<std::string_view, 9> names_of(Limit /*selects*/) {
  return {
      "limits.streams_max",          "limits.streams_per_topic_max", "topics[].streams_max",
      "limits.topics_max",           "limits.patterns_max",          "limits.pending_requests_max",
      "limits.owed_total_bytes_max", "publish.connections_max",      "publish.rate"};
}

// How often each limit turned something away or cut something short, since the start.
class LimitTimes {
 public:
  void add(Limit limit, std::uint64_t times) { times_[static_cast<std::size_t>(limit)] += times; }
  std::uint64_t of(std::size_t limit) const { return times_[limit]; }

 private:
  std::array<std::uint64_t, kNamesOf<Limit>.size()> times_{};
};

class LimitWatch {
 public:
  static constexpr std::uint64_t kQuietSeconds = 10;

  // `log` must outlive it. `value_of` gives a limit's value in force, or nothing if it has several.
  LimitWatch(LogSink& log, std::function<std::optional<std::uint64_t>(Limit)> value_of)
      : log_(log), value_of_(std::move(value_of)) {}

  // Call it on a timer, about every 250 ms. `full`: as many streams as possible are open, whether
  // one was turned away or not. Requires: no number of `times` is lower than at the last call.
  void look(const LimitTimes& times, bool full, Instant now);

 private:
  struct Episode {
    std::uint64_t times = 0;         // At the last look.
    std::uint64_t times_before = 0;  // When the episode began.
    Instant began;
    Instant reached;
    bool open = false;
  };

  void warn(Limit limit) const;

  LogSink& log_;
  std::function<std::optional<std::uint64_t>(Limit)> value_of_;
  std::array<Episode, kNamesOf<Limit>.size()> episodes_{};
};

}  // namespace crier::cmd
