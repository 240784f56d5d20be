// Reads an event stream, in whatever pieces it arrives, by the HTML standard, "Server-sent
// events", 9.2.5 and 9.2.6: for crier's own subscriber, and as the other opinion on what sse_text
// writes.
//
// One life: one response body. After a reconnect, make a new one and carry on with last_event_id().
// What has arrived of an event when the stream breaks is forgotten, as the standard wants it.
//
// Bytes are handed on as they came; whether they are UTF-8 is for the reader. Belongs to one
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace crier {

struct SseMessage {
  std::string event;          // `message` where the stream named none.
  std::string data;           // Lines joined by LF.
  std::string last_event_id;  // Of this event or, where it had none, of one before; may be empty.
};

class SseParser {
 public:
  using Callback = std::function<void(const SseMessage&)>;

  // `event_bytes_max`: how long the lines of one event may be in all, without comments and line
  // ends; also bounds a single comment. Memory held is at most about twice this.
  explicit SseParser(std::size_t event_bytes_max) : event_bytes_max_(event_bytes_max) {}

  // Calls back for every event that is complete, in order, before it returns; the message is valid
  // during the call. The callback may not feed. False: an event exceeded the bound; the stream
  // cannot be read further, and every later call returns false, too.
  [[nodiscard]] bool feed(std::string_view bytes, const Callback& on_message);

  // Where to resume: the newest id of a block that was completed, even of one without data.
  const std::string& last_event_id() const { return message_.last_event_id; }

  // The newest `retry:`, which counts at once. One that does not fit 32 bits is ignored.
  std::optional<std::uint32_t> retry_ms() const { return retry_ms_; }

 private:
  void take_line(std::string_view line, const Callback& on_message);
  void take_field(std::string_view field, std::string_view value);
  void end_block(const Callback& on_message);

  std::size_t event_bytes_max_;
  std::size_t block_bytes_ = 0;  // Of the current block's complete lines.
  bool first_line_ = true;       // It may begin with a byte order mark.
  bool after_cr_ = false;        // A LF now belongs to the CR before it.
  bool failed_ = false;
  std::string line_;  // The beginning of an incomplete line.
  std::string id_;    // Of the block being read; becomes last_event_id at its end.
  SseMessage message_;
  std::optional<std::uint32_t> retry_ms_;
};

}  // namespace crier
