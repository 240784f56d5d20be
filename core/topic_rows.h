// What a row of the configuration's `topics` means to those who read the configuration and to those
// who act on it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/names.h"

namespace crier {

// What becomes of a stream whose ring is full.
enum class OverflowPolicy : std::uint8_t {
  catch_up,     // The ring is dropped, the stream continues from the history at its own pace.
  disconnect,   // The stream is ended, and told why.
  drop_oldest,  // What is oldest in the ring is dropped, and the stream is told.
};
constexpr std::array<std::string_view, 3> names_of(OverflowPolicy /*selects*/) {
  return {"catch-up", "disconnect", "drop-oldest"};
}

// A stream keeps its row in one byte, and 0 is that of no row.
inline constexpr std::size_t kTopicRowsMax = 255;

}  // namespace crier
