// What matters only while a stream is behind: what it is owed, and how far it has got. Rented for
// the exception; zero bytes are not valid, start() makes it ready.
#pragma once

#include <cstdint>

#include "broadcast/log/replay.h"
#include "broadcast/streams/end_reason.h"
#include "core/frame.h"
#include "core/ring.h"

namespace crier::broadcast {

// Where a stream stands with the history.
enum class ReplayState : std::uint8_t {
  none,     // Not replaying.
  idle,     // Will ask when its ring is empty and its socket takes bytes.
  waiting,  // In the queue of those that may ask.
  asked,    // A request is with the log.
};

struct Owing {
  Ring ring;
  std::uint32_t oldest_sent = 0;      // Bytes of the oldest frame that have been sent.
  std::uint32_t bytes = 0;            // Wire bytes in the ring, those sent of the oldest included.
  std::uint64_t dropped_through = 0;  // drop-oldest: the newest event dropped,
  std::uint32_t dropped = 0;          // and how many since the stream was last told.
  std::uint32_t last_count = 0;       // ReplayFrom::last
  std::uint64_t evictions_told = 0;   // Of the log's last answer: what was announced. Still so
                                      // when it falls behind again before it has sent all of it.
  ReplayFrom from = ReplayFrom::sequence;
  ReplayState replay = ReplayState::none;
  EndReason end_reason = EndReason::drained;  // While ending.
  bool connected = false;                     // Fell behind while connected: a loss is `overflow`.
  bool opened = true;                         // crier.open has been queued or sent.
};

}  // namespace crier::broadcast
