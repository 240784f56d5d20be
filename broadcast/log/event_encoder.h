// Turns a numbered event into the frame that every subscriber of its topic is sent.
//
// Numbering is the journal's business, keeping is the log's: an encoder knows neither. The event's
// id, `<epoch>-<sequence>`, stands in the frame's text, so an event is encoded after it has its
// sequence.
//
// Belongs to one thread.
#pragma once

#include <cstdint>
#include <string>

#include "broadcast/log/event.h"
#include "core/frame.h"
#include "core/instant.h"
#include "core/keyed_hash.h"
#include "core/text/event_id.h"

namespace crier::broadcast {

class EventEncoder {
 public:
  // `epoch` and `topic_key` are those of the log that takes the frames. `account` may be null, else
  // it outlives every frame.
  EventEncoder(const Epoch& epoch, const HashKey& topic_key, FrameAccount* account)
      : epoch_(epoch), topic_key_(topic_key), account_(account) {}

  // Requires: what event.h says of the event, and that its lines take at most 64 MiB.
  FrameRef encode(const Event& event, std::uint64_t sequence, Instant accepted);

 private:
  Epoch epoch_;
  HashKey topic_key_;
  FrameAccount* account_;
  std::string id_;  // Buffers of encode(), kept for their capacity.
  std::string text_;
};

}  // namespace crier::broadcast
