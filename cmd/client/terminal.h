// The commands' output to the person who runs them. Belongs to the main thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace crier::cmd {

// Opens /dev/null in place of standard streams that are closed. Otherwise the kernel would give
// their numbers to files and sockets, and output to a standard stream would go there. Call it
// before anything is opened.
void need_standard_streams();

// Writes to standard output and flushes. Returns false if that failed, after an error message.
[[nodiscard]] bool print_out(std::string_view text);

// Writes `text` unchanged to standard error.
void print_error(std::string_view text);

enum class Keep : std::uint8_t { nothing, lines };

// Text from outside, made safe for a terminal: control characters and invalid UTF-8 are escaped as
// in the log; quotes and backslashes stay. `lines` keeps LF and TAB, too.
std::string printable(std::string_view text, Keep keep = Keep::nothing);

}  // namespace crier::cmd
