// The numbers that the log counts. The control loop writes them; any thread may read.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/counter.h"
#include "core/names.h"

namespace crier::broadcast {

// The limit that evicted an event from the history.
enum class EvictionCause : std::uint8_t {
  topic_events,  // The topic's events_max.
  topic_bytes,   // The topic's bytes_max.
  age,           // The topic's age_seconds_max.
  total_bytes,   // The bound on the bytes of all topics.
  // topics_max: the topic published to longest ago was forgotten with its events.
  topics,
  journal,  // The journal dropped the event to stay within its bound.
};
constexpr std::array<std::string_view, 6> names_of(EvictionCause /*selects*/) {
  return {"topic-events", "topic-bytes", "age", "total-bytes", "topics", "journal"};
}

struct LogStats {
  Counter events;               // Events accepted.
  Counter event_bytes;          // Memory of their frames.
  Counter history_events;       // Gauge: events retained.
  Counter history_bytes;        // Gauge: memory of retained events, as history.bytes_max counts it.
  Counter history_frame_bytes;  // Gauge: memory of the retained frames alone.
  std::array<Counter, kNamesOf<EvictionCause>.size()> evicted;
  Counter topics;             // Gauge: topics listed.
  Counter topics_closed;      // Gauge: topics that are closed, listed or not.
  Counter topics_forgotten;   // Topics that were removed from the list.
  Counter forgotten_entries;  // Gauge: entries in the table of forgotten topics.
  Counter replays;            // Replay requests answered.
  Counter replayed_events;    // Events in these answers.
};

}  // namespace crier::broadcast
