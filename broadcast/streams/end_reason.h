// Why a stream ended: the list behind log lines, metrics and crier.end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/names.h"

namespace crier::broadcast {

enum class EndReason : std::uint8_t {
  client_closed,  // The peer closed or lost the connection.
  overflow,       // Owed more than its limits, and its policy is `disconnect`.
  stalled,        // Took no byte of what it was owed for limits.owing_seconds_max.
  expired,        // Reached limits.stream_seconds_max.
  input_flood,    // Sent us more than a stream has reason to.
  drained,        // The daemon is stopping; it was told.
  drain_cut,      // The daemon stopped before everything owed was taken.
  no_memory,      // A pool was exhausted.
};

constexpr std::array<std::string_view, 8> names_of(EndReason /*selects*/) {
  return {"client_closed", "overflow", "stalled",   "expired",
          "input_flood",   "drained",  "drain_cut", "no_memory"};
}

}  // namespace crier::broadcast
