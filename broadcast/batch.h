// What control hands to every worker in one turn: the same immutable list, shared.
#pragma once

#include <memory>
#include <vector>

#include "core/frame.h"

namespace crier::broadcast {

// Frames in sequence order without a gap: the log's events from the first one's sequence to the
// last's. Only what a worker that lagged is fed may have gaps, and then says so
// (Log::frames_after).
using Batch = std::vector<FrameRef>;
using SharedBatch = std::shared_ptr<const Batch>;

}  // namespace crier::broadcast
