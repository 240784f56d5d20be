// An event as a publisher hands it in.
#pragma once

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

}  // namespace crier::broadcast
