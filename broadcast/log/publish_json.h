// The events in the body of a publisher's request, judged before any of them is published.
//
//   {"topic":"orders.eu","data":{"id":1.10},"event":"created","key":"7f3a"}
//
// `topic` is a string; `data` is any value: a string stands for its text, everything else is passed
// on as the bytes its author wrote. `event` and `key` are strings and may be left out. Other keys
// and repeated ones are refused, and so is whatever event.h and idempotency.h do not allow.
//
// Pure apart from the memory it keeps for the next body. Belongs to one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broadcast/log/event.h"
#include "core/text/json_scanner.h"

namespace crier::broadcast {

struct PublishEvent {
  Event event;
  std::string_view key;  // For idempotency; empty: none.
  std::size_t line = 0;  // In the body, from 1.
};

struct BodyRefusal {
  bool too_large = false;  // Else malformed.
  std::string message;     // A sentence that says where and what; one line of printable text.
};

struct BodyLimits {
  std::size_t event_bytes_max = std::size_t{256} << 10;  // Of an event's data.
  std::size_t lines_max = 5'000;                         // Blank ones included.
};

// What is wrong with an event, if anything is.
std::optional<BodyRefusal> judge_event(const Event& event, std::size_t event_bytes_max);

class PublishBody {
 public:
  // Each forgets the body before. After a refusal events() is empty. Views in events() live as long
  // as `body`, and until the next call.
  std::optional<BodyRefusal> read_object(std::string_view body, std::size_t event_bytes_max);
  // One object a line. Lines of white space alone are skipped, but counted; a body without any
  // event is refused, and so is one with too many lines.
  std::optional<BodyRefusal> read_lines(std::string_view body, const BodyLimits& limits);

  const std::vector<PublishEvent>& events() const { return events_; }
  // Lets go of the body's memory beyond what a small request needs.
  void clear();

 private:
  struct Members;

  void begin(std::string_view body);
  std::optional<BodyRefusal> read(std::string_view text, std::size_t line,
                                  std::size_t event_bytes_max);
  std::optional<BodyRefusal> take(const JsonMember& member, Members& members);
  std::string_view text_of(const JsonValue& value);

  std::vector<PublishEvent> events_;
  // Strings with escapes in them, without: never more bytes than the body.
  std::unique_ptr<char[]> unescaped_;
  std::size_t unescaped_size_ = 0;
  std::size_t body_size_ = 0;
};

}  // namespace crier::broadcast
