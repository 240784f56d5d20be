// Streams to disconnect once the current turn is over. Until then a slot may become `closing` but
// is never vacated, so every index held on the stack or in the kernel's batch of events stays
// valid.
#pragma once

#include <utility>
#include <vector>

#include "broadcast/streams/end_reason.h"
#include "broadcast/streams/stream.h"

namespace crier::broadcast {

class DeferredClose {
 public:
  // The first reason counts.
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
