// The batch of events that the control loop hands to every worker in one turn. All workers share
// one immutable list. Values; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/frame.h"

namespace crier::broadcast {

// Frames in sequence order: all of the log's events from the first frame's sequence to the last's.
// A number that is missing between them belongs to no event. Only a batch for a worker that lagged
// may lack events; the worker is then told of them first (Log::frames_after).
using Batch = std::vector<FrameRef>;
using SharedBatch = std::shared_ptr<const Batch>;

// Tells a worker that lagged that the history no longer holds some events from `from` to `through`.
// The worker gets this before the events that are retained. Streams that may have wanted a lost
// event then continue from the log, which tells them what they missed.
struct LostEvents {
  std::uint64_t from = 0;
  std::uint64_t through = 0;
  // Topics of the lost events; unset: any topic may have lost one.
  std::optional<std::vector<std::string>> topics;
};

}  // namespace crier::broadcast
