// What a publisher hands in.
#pragma once

#include <string_view>

namespace crier::broadcast {

// Views of the publisher's request; copied into a frame once the event is committed.
// Requires, before it reaches the journal: a valid topic, valid UTF-8 without NUL, an allowed name.
struct Event {
  std::string_view topic;
  std::string_view data;
  std::string_view name;  // The SSE event name; empty: the default, `message`.
};

}  // namespace crier::broadcast
