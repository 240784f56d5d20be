// Writes an event as the lines of an event stream. Only this code knows the format.
//
// By the HTML standard, "Server-sent events", 9.2.5 and 9.2.6: fields are lines, a blank line ends
// the event, and CR, LF and CRLF each end a line. A publisher whose field contained a line end
// could write fields, or whole events, of its own. So data is split at all three, and no other
// value that is written may contain one.
//
// Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace crier {

struct SseEvent {
  std::string_view id;         // Empty: no id line; the client keeps the id it has.
  std::string_view name;       // Empty: no event line; the client calls it `message`.
  std::string_view data;       // Any text; its line ends reach the client as LF.
  std::uint32_t retry_ms = 0;  // How long a client waits before it reconnects; 0: no retry line.
  bool checksum = false;       // Add a `crc32c` line with event_checksum(), which clients ignore.
};

// Appends the lines id, event, retry, data and crc32c, in this order, and the blank line that ends
// the event. Writes at least one data line, because a client ignores an event without one.
// Requires: id and name contain no CR, LF or NUL; valid_event_text(data).
void append_sse_event(std::string& out, const SseEvent& event);

// Returns the checksum of an event as a client sees it: the CRC-32C of id, LF, name, LF and data,
// as eight lower-case hexadecimal digits. An empty name counts as `message`, and each line end in
// the data as LF.
std::string event_checksum(std::string_view id, std::string_view name, std::string_view data);

inline constexpr std::size_t kEventNameBytesMax = 255;

// Returns true if a publisher may use this event name. The empty name is allowed and means the
// default. Refused are more than 255 bytes, invalid UTF-8, control characters (C0, DEL, C1), the
// line ends U+2028 and U+2029, and reserved names: those that begin with `crier.`, and `error` and
// `open`, which EventSource fires itself.
bool allowed_event_name(std::string_view name);

// A comment that shows that an idle connection is alive. It is one line: with a blank line after
// it, a popular client fires an empty message.
inline constexpr std::string_view kHeartbeat = ":\n";

}  // namespace crier
