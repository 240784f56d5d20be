#include "broadcast/log/event_encoder.h"

#include <cstddef>

#include "core/text/sse_text.h"

namespace crier::broadcast {
namespace {

constexpr std::size_t kTextBytesKept = std::size_t{1} << 20;

}  // namespace

FrameRef EventEncoder::encode(const Event& event, std::uint64_t sequence, Instant accepted) {
  id_.clear();
  append_event_id(id_, epoch_, sequence);
  text_.clear();
  append_sse_event(text_, {.id = id_,
                           .name = event.name,
                           .data = event.data,
                           .checksum = checksum_ && !closes_topic(event)});
  FrameRef frame = Frame::make({.sequence = sequence,
                                .topic_hash = keyed_hash(topic_key_, event.topic),
                                .accepted = accepted,
                                .closes = closes_topic(event)},
                               event.topic, text_, account_);
  if (text_.capacity() > kTextBytesKept) std::string().swap(text_);
  return frame;
}

}  // namespace crier::broadcast
