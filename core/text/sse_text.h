// An event as the lines of an event stream; the one place that knows how they are written.
//
// By the HTML standard, "Server-sent events", 9.2.5 and 9.2.6: fields are lines, a blank line ends
// the event, and CR, LF and CRLF all end a line. A line end that slipped into a field would let a
// publisher write fields, or whole events, of its own: data is therefore split at all three, and
// nothing else that is written may contain one.
//
// Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace crier {

struct SseEvent {
  std::string_view id;         // Empty: no id line, the client keeps the one it has.
  std::string_view name;       // Empty: no event line, the client calls it `message`.
  std::string_view data;       // Any text; its line ends reach the client as LF.
  std::uint32_t retry_ms = 0;  // How long a client waits before it reconnects; 0: no such line.
};

// Appends the lines id, event, retry, data, in this order, and the blank line that ends the event.
// There is always at least one data line: a client forgets an event without one. Requires: no CR,
// LF or NUL in id and name; valid_event_text(data), which is for the caller to refuse.
void append_sse_event(std::string& out, const SseEvent& event);

inline constexpr std::size_t kEventNameBytesMax = 255;

// May a publisher call its event this? Empty is allowed and means the default. Refused are: more
// than 255 bytes, invalid UTF-8, control characters (C0, DEL, C1) and the line ends U+2028 and
// U+2029, and the names that are taken: those that begin with `crier.`, and `error` and `open`,
// which EventSource fires itself.
bool allowed_event_name(std::string_view name);

// A comment, written so that an idle connection is seen to live. One line: with a blank one after
// it, a popular client fires an empty message.
inline constexpr std::string_view kHeartbeat = ":\n";

}  // namespace crier
