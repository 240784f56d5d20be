// Encodes a numbered event as the frame that every subscriber of its topic is sent.
//
// The journal numbers events and the log keeps frames; the encoder does neither. The event's id,
// `<epoch>-<sequence>`, is part of the frame's text, so an event must have its sequence before it
// is encoded. So is its checksum, if it has one: each event is summed once, for all streams.
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
  // `epoch` and `topic_key` are those of the log that takes the frames. `account` may be null;
  // otherwise it must outlive every frame. `checksum`: SseEvent::checksum.
  EventEncoder(const Epoch& epoch, const HashKey& topic_key, FrameAccount* account,
               bool checksum = false)
      : epoch_(epoch), topic_key_(topic_key), account_(account), checksum_(checksum) {}

  // Requires: `event` is as event.h requires, and its lines take at most 64 MiB.
  FrameRef encode(const Event& event, std::uint64_t sequence, Instant accepted);

 private:
  Epoch epoch_;
  HashKey topic_key_;
  FrameAccount* account_;
  bool checksum_;
  // Buffers of encode(), kept for their capacity.
  std::string id_;
  std::string text_;
};

}  // namespace crier::broadcast
