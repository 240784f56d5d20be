// Values of a row of the configuration's `topics` list that both the configuration and the
// broadcast layer use. Values; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/names.h"

namespace crier {

// How a stream that cannot keep up continues.
enum class OverflowPolicy : std::uint8_t {
  catch_up,     // The ring is dropped; the stream continues from the history at its own pace.
  disconnect,   // The stream ends and is told why.
  drop_oldest,  // The oldest events in the ring are dropped, and the stream is told.
  conflate,     // Only the newest event of each topic is owed; see Delivery.
};
constexpr std::array<std::string_view, 4> names_of(OverflowPolicy /*selects*/) {
  return {"catch-up", "disconnect", "drop-oldest", "conflate"};
}

// A stream stores its row in one byte, in which 0 means that no row applies.
inline constexpr std::size_t kTopicRowsMax = 255;

}  // namespace crier
