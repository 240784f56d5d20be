// Makes one log line, in one of three formats:
//
//   text     2025-03-01T12:00:00.123Z warning history is full bytes=67108864
//   logfmt   ts=2025-03-01T12:00:00.123Z level=warning msg="history is full" bytes=67108864
//   json     {"ts":"2025-03-01T12:00:00.123Z","level":"warning","msg":"history is full",
//             "bytes":67108864}                                            (on one line)
//
// A message, a key or a value may hold any bytes. The result is one line of valid UTF-8 without
// control characters, and no field can be mistaken for another: json is a valid object, and logfmt
// splits back into the same fields. json and logfmt use the escapes of JSON; text uses \xNN. In
// text and logfmt a value is quoted if it is empty or holds more than letters, digits and plain
// punctuation.
//
// Pure functions; any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "config/config.h"
#include "core/log.h"

namespace crier::cmd {

// A pipe that polls as writable takes a page (4,096 bytes) in one write. This leaves room for the
// priority and the line end.
inline constexpr std::size_t kLogLineBytesMax = 4'080;

// The time in UTC with milliseconds, in the format of RFC 3339.
std::string utc_text(std::chrono::system_clock::time_point time);

// The line without its line end. A text of more than 256 bytes is shortened. The first field that
// would make the line longer than kLogLineBytesMax is left out with all that follow, and `cut=true`
// is added. `time`: from utc_text(), or empty for a line without a time.
std::string log_line(config::LogFormat format, std::string_view time, Level level,
                     std::string_view message, std::span<const Field> fields);

}  // namespace crier::cmd
