// One log line, in one of three formats:
//
//   text     2025-03-01T12:00:00.123Z warning history is full bytes=67108864
//   logfmt   ts=2025-03-01T12:00:00.123Z level=warning msg="history is full" bytes=67108864
//   json     {"ts":"2025-03-01T12:00:00.123Z","level":"warning","msg":"history is full",
//             "bytes":67108864}                                            (on one line)
//
// Whatever bytes a message, a key or a value holds, the result is one line of valid UTF-8 without
// control characters, and no field can pass for another; json is a valid object, logfmt splits back
// into the same fields. In both, text is escaped as JSON has it; in text, \xNN shows each byte. A
// value is quoted when it is empty or holds anything but letters, digits and plain punctuation.
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

// A pipe that polls as writable takes a page at once: priority and line end included.
inline constexpr std::size_t kLogLineBytesMax = 4'080;

// UTC with milliseconds, as RFC 3339 has it.
std::string utc_text(std::chrono::system_clock::time_point time);

// Without line end. A text is cut at 256 bytes; fields that would make the line longer than
// kLogLineBytesMax are left out, and `cut=true` says so. `time`: from utc_text(), or empty: none.
std::string log_line(config::LogFormat format, std::string_view time, Level level,
                     std::string_view message, std::span<const Field> fields);

}  // namespace crier::cmd
