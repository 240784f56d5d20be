// An event as a publisher hands it in, and the event that closes a topic.
#pragma once

#include <string>
#include <string_view>

namespace crier::broadcast {

// Views into the publisher's request, which are copied into a frame when the event is committed.
// Requires, before the event reaches the journal: a valid topic, data of valid UTF-8 without NUL,
// an allowed name.
struct Event {
  std::string_view topic;
  std::string_view data;
  std::string_view name;  // The SSE event name; empty means the default, `message`.
};

// The last event of a topic that is closed has this name, which publishers cannot use: see
// allowed_event_name(). So a journal keeps a closing event like any other. Like crier's other own
// events it has no checksum.
inline constexpr std::string_view kClosedName = "crier.closed";

inline bool closes_topic(const Event& event) {
  return event.name == kClosedName;
}

// Returns the data of a topic's closing event. Requires: valid_topic(topic).
inline std::string closed_data(std::string_view topic) {
  return "{\"topic\":\"" + std::string(topic) + "\"}";
}

}  // namespace crier::broadcast
