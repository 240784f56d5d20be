// The streams that will be disconnected at the end of the current turn. Until then a slot may
// become `closing` but is never vacated, so every index on the stack or in the kernel's batch of
// events stays valid.
//
// Belongs to one worker.
#pragma once

#include <utility>
#include <vector>

#include "broadcast/streams/end_reason.h"
#include "broadcast/streams/stream.h"

namespace crier::broadcast {

class DeferredClose {
 public:
  // Ends a stream at the end of this turn. Does nothing if it is closing already: the first reason
  // counts.
  void add(StreamIndex index, Stream& stream, EndReason reason) {
    if (stream.state == StreamState::closing) return;
    stream.become(StreamState::closing);
    waiting_.push_back({index, reason});
  }

  // Calls vacate(index, reason) for each stream added since the last turn.
  template <typename Vacate>
  void finish_turn(Vacate&& vacate) {
    for (const auto& [index, reason] : waiting_) vacate(index, reason);
    waiting_.clear();
    if (waiting_.capacity() > 4'096) waiting_.shrink_to_fit();
  }

 private:
  std::vector<std::pair<StreamIndex, EndReason>> waiting_;
};

}  // namespace crier::broadcast
