// Parses an event stream by the HTML standard, "Server-sent events", 9.2.5 and 9.2.6. crier's own
// subscriber uses it, and tests use it to check what sse_text.h writes.
//
// One parser reads one response body, in pieces of any size. After a reconnect, make a new parser
// and resume from last_event_id(). An event that was incomplete when the stream broke is dropped,
// as the standard requires.
//
// The parser knows one field more, `crc32c` (see sse_text.h). A block with it is an event even
// without data, so that damage to the name `data` is noticed and the event not lost.
//
// The parser passes bytes on unchanged; whether they are UTF-8 is for the caller to check. Belongs
// to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace crier {

struct SseMessage {
  std::string event;  // `message` if the stream named none.
  std::string data;   // Lines joined by LF.
  // The id of this event or, if it had none, of the newest event with one; may be empty.
  std::string last_event_id;
  std::string crc32c;  // The checksum that came with the event; empty: none.
};

class SseParser {
 public:
  using Callback = std::function<void(const SseMessage&)>;

  // `event_bytes_max` bounds the lines of one event in total, without comments and line ends, and
  // each single comment. The parser holds at most about twice as much memory.
  explicit SseParser(std::size_t event_bytes_max) : event_bytes_max_(event_bytes_max) {}

  // Calls on_message for every event that these bytes complete, in order, before it returns. A
  // message is valid during its call; the callback must not call feed(). Returns false when an
  // event exceeds the bound: the stream cannot be read further, and every later call returns false,
  // too.
  [[nodiscard]] bool feed(std::string_view bytes, const Callback& on_message);

  // Returns the id to resume from: the newest id of a complete block, even of one without data.
  const std::string& last_event_id() const { return message_.last_event_id; }

  // Returns the newest `retry:` value, which applies at once. A value beyond 32 bits is ignored.
  std::optional<std::uint32_t> retry_ms() const { return retry_ms_; }

 private:
  void take_line(std::string_view line, const Callback& on_message);
  void take_field(std::string_view field, std::string_view value);
  void end_block(const Callback& on_message);

  std::size_t event_bytes_max_;
  std::size_t block_bytes_ = 0;  // The size of the current block's complete lines.
  bool first_line_ = true;       // The first line may begin with a byte order mark.
  bool after_cr_ = false;        // The last byte was a CR; a LF now belongs to it.
  bool failed_ = false;
  std::string line_;  // The beginning of an incomplete line.
  std::string id_;    // The newest id of the current block; becomes last_event_id at its end.
  SseMessage message_;
  std::optional<std::uint32_t> retry_ms_;
};

}  // namespace crier
