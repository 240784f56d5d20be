// What the log counts. One writer, the control loop; any thread may read.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/counter.h"
#include "core/names.h"

namespace crier::broadcast {

// Why the history let an event go.
enum class EvictionCause : std::uint8_t {
  topic_events,  // The topic's events_max.
  topic_bytes,   // The topic's bytes_max.
  age,           // The topic's age_seconds_max.
  total_bytes,   // The bytes of all topics.
  topics,        // topics_max: the topic published to longest ago went, with all it had.
};
constexpr std::array<std::string_view, 5> names_of(EvictionCause /*selects*/) {
  return {"topic-events", "topic-bytes", "age", "total-bytes", "topics"};
}

struct LogStats {
  Counter events;               // Accepted.
  Counter event_bytes;          // Their frames' memory.
  Counter history_events;       // Gauges: retained now.
  Counter history_bytes;        // As history.bytes_max counts.
  Counter history_frame_bytes;  // The frames alone, of what all frames hold.
  std::array<Counter, kNamesOf<EvictionCause>.size()> evicted;
  Counter topics;             // Gauge: listed now.
  Counter topics_forgotten;   // Ever.
  Counter forgotten_entries;  // Gauge: in the table of forgotten topics.
  Counter replays;            // Requests answered.
  Counter replayed_events;
};

}  // namespace crier::broadcast
