// Parses a stream's bytes like a client: head, chunks, events. Malformed bytes are an error.
//
// Belongs to one simulated connection.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/frame.h"
#include "core/text/sse_parser.h"

namespace crier::broadcast::simulate {

class WireReader {
 public:
  using Callback = std::function<void(const SseMessage&)>;

  // The response must begin with `head`.
  WireReader(std::string head, Framing framing) : head_(std::move(head)), framing_(framing) {}

  // The first error in the bytes; empty if there is none.
  std::string feed(std::string_view bytes, const Callback& on_message);

  const std::string& last_event_id() const { return parser_.last_event_id(); }
  std::uint32_t retry_ms() const { return parser_.retry_ms().value_or(0); }
  bool body_ended() const { return ended_; }  // The last chunk was read.
  std::size_t comments() const { return comments_; }

 private:
  std::string take_chunks(const Callback& on_message);
  std::string take_text(std::string_view text, const Callback& on_message);

  std::string head_;
  Framing framing_;
  std::size_t head_read_ = 0;
  std::string pending_;  // The bytes of an incomplete chunk.
  bool ended_ = false;
  std::size_t comments_ = 0;  // Chunks or lines that are only a heartbeat.
  SseParser parser_{std::size_t{4} << 20};
};

}  // namespace crier::broadcast::simulate
