// What control hands to every worker in one turn: the same immutable list, shared.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/frame.h"

namespace crier::broadcast {

// Frames in sequence order: all of the log's events from the first one's sequence to the last's.
// Numbers may be missing between them; no event has those. Only a batch for a worker that lagged
// may lack events, and the worker is told so first (Log::frames_after).
using Batch = std::vector<FrameRef>;
using SharedBatch = std::shared_ptr<const Batch>;

// Tells a worker that lagged that some events from `from` to `through` are gone from the history,
// before it is fed those that are not. Streams that may have wanted one continue from the log,
// which tells what they missed.
struct LostEvents {
  std::uint64_t from = 0;
  std::uint64_t through = 0;
  std::optional<std::vector<std::string>> topics;  // Of the lost ones; nothing: perhaps any.
};

}  // namespace crier::broadcast
