// One log line: `level message key=value …`, fields as logfmt.
//
// A value is quoted when it is empty or holds anything but letters, digits and plain punctuation.
// Whatever bytes a message, a key or a value holds, the result is one line without control
// characters, and no field can pass for another. Pure functions; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/log.h"

namespace crier::cmd {

std::string_view to_string(Level level);

// Without time and line end. A text is cut at 256 bytes.
std::string log_line(Level level, std::string_view message, std::span<const Field> fields);

}  // namespace crier::cmd
