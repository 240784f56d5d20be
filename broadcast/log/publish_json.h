// Parses the events in the body of a publish request and checks all of them before any is
// published.
//
//   {"topic":"orders.eu","data":{"id":1.10},"event":"created","key":"7f3a"}
//
// `topic` is a string. `data` is any value: of a string its text is published, of any other value
// the bytes as the publisher wrote them. `event` and `key` are optional strings. Unknown and
// repeated keys are refused, and so are events that event.h does not allow and keys that
// idempotency.h does not allow.
//
// Belongs to one thread.
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
  std::string_view key;  // Idempotency key; empty: none.
  std::size_t line = 0;  // The line in the body, counted from 1.
};

struct BodyRefusal {
  bool too_large = false;  // Otherwise the body is malformed.
  std::string message;  // A sentence that says where and what is wrong; one line of printable text.
};

struct BodyLimits {
  std::size_t event_bytes_max = std::size_t{256} << 10;  // Bytes of one event's data.
  std::size_t lines_max = 5'000;                         // Lines of the body, including blank ones.
};

// Checks topic, name and size of an event. Returns nothing if the event is allowed.
std::optional<BodyRefusal> judge_event(const Event& event, std::size_t event_bytes_max);

// Reads one body after another. Between two bodies it keeps only memory.
class PublishBody {
 public:
  // Reads a body with one event. The views in events() are valid as long as `body` and until the
  // next call. After a refusal events() is empty.
  std::optional<BodyRefusal> read_object(std::string_view body, std::size_t event_bytes_max);
  // Reads a body with one event per line; events() is as after read_object(). Blank lines are
  // skipped but counted. Refuses a body without any event, and a body with too many lines.
  std::optional<BodyRefusal> read_lines(std::string_view body, const BodyLimits& limits);

  const std::vector<PublishEvent>& events() const { return events_; }
  // Frees the memory beyond what a small request needs.
  void clear();

 private:
  struct Members;

  void begin(std::string_view body);
  std::optional<BodyRefusal> read(std::string_view text, std::size_t line,
                                  std::size_t event_bytes_max);
  std::optional<BodyRefusal> take(const JsonMember& member, Members& members);
  std::string_view text_of(const JsonValue& value);

  std::vector<PublishEvent> events_;
  // Text of strings that had escapes: never more bytes than the body.
  std::unique_ptr<char[]> unescaped_;
  std::size_t unescaped_size_ = 0;
  std::size_t body_size_ = 0;
};

}  // namespace crier::broadcast
