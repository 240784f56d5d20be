// The state that a stream has only while it is behind: the frames it is owed, and its position in
// the history. StreamTable::rent_owing() rents and constructs one; give_back_owing() gives it back.
//
// Belongs to one worker.
#pragma once

#include <cstdint>

#include "broadcast/log/replay.h"
#include "broadcast/streams/end_reason.h"
#include "core/frame.h"
#include "core/ring.h"

namespace crier::broadcast {

// The state of a stream's replay.
enum class ReplayState : std::uint8_t {
  none,     // The stream is not replaying.
  idle,     // The stream will ask when its ring is empty and its socket takes bytes.
  waiting,  // The stream is in the queue of those that may ask.
  asked,    // The log has a request of the stream.
};

struct Owing {
  Ring ring;
  std::uint32_t oldest_sent = 0;  // Bytes of the oldest frame that were sent.
  std::uint32_t bytes = 0;  // Wire bytes in the ring, including those sent of the oldest frame.
  std::uint64_t dropped_through = 0;  // The newest event that drop-oldest dropped.
  std::uint32_t dropped = 0;          // How many events it dropped since the stream was last told.
  std::uint32_t last_count = 0;       // See ReplayFrom::last.
  // The last answer's value. It stays valid if the stream falls behind before it has sent that
  // answer.
  std::uint64_t evictions_told = 0;
  ReplayFrom from = ReplayFrom::sequence;
  ReplayState replay = ReplayState::none;
  EndReason end_reason = EndReason::drained;  // The reason, in state `ending`.
  // The stream was connected when it fell behind, so its loss is `overflow`.
  bool connected = false;
  bool resumes = false;   // It has been replaying since it was opened.
  bool opened = true;     // crier.open was queued or sent.
  bool closes = false;    // An event that closes a topic was added to the ring.
  bool conflated = true;  // No event was added to the ring since Delivery last conflated it.

  // Returns the sequence of the ring's oldest event, or 0 if it has none.
  std::uint64_t oldest_sequence() const {
    for (std::uint32_t i = 0; i < ring.size(); ++i) {
      if (ring[i]->sequence() != 0) return ring[i]->sequence();
    }
    return 0;
  }

  // Returns what is in the ring from its oldest event on: crier's own events are not counted before
  // that event, and are behind it.
  Behind waiting() const {
    for (std::uint32_t i = 0; i < ring.size(); ++i) {
      if (ring[i]->sequence() == 0) continue;
      return {.events = ring.size() - i, .oldest = ring[i]->accepted()};
    }
    return {};
  }
};

}  // namespace crier::broadcast
