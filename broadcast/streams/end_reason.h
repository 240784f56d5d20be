// Why a stream ended. Log lines, metrics and crier.end use the words of this list; only a drain
// after which ids are worth nothing is `restarted` in crier.end.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/names.h"

namespace crier::broadcast {

enum class EndReason : std::uint8_t {
  client_closed,  // The client closed or lost the connection.
  overflow,       // The stream was owed more than its limits, and its policy is `disconnect`.
  stalled,        // The client took no byte of what it was owed for limits.owing_seconds_max.
  expired,        // The stream reached limits.stream_seconds_max.
  closed,         // All topics of the stream are closed, and it was sent their last events.
  input_flood,    // The client sent more than a subscriber has reason to.
  drained,        // The daemon is stopping, and the client was told.
  drain_cut,      // The daemon stopped before the client took everything.
  memory,         // The stream was owed most when limits.memory_max was nearly reached.
  no_memory,      // A pool was exhausted, or the kernel had no memory.
};

constexpr std::array<std::string_view, 10> names_of(EndReason /*selects*/) {
  return {"client_closed", "overflow", "stalled",   "expired", "closed",
          "input_flood",   "drained",  "drain_cut", "memory",  "no_memory"};
}

}  // namespace crier::broadcast
