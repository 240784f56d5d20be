// How the commands talk to the person who runs them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace crier::cmd {

// Opens /dev/null in place of standard streams that are closed: else their numbers would be given
// to files and sockets, which whatever writes to a standard stream would then write to. Call it
// first.
void need_standard_streams();

// Writes to standard output and flushes. False if that failed; the reason has then been printed.
[[nodiscard]] bool print_out(std::string_view text);

// Writes to standard error as it is.
void print_error(std::string_view text);

enum class Keep : std::uint8_t { nothing, lines };

// Text of others for a terminal: control characters and what is not UTF-8 become visible, as in the
// log, but nothing else does. `lines` keeps LF and TAB as they are.
std::string printable(std::string_view text, Keep keep = Keep::nothing);

}  // namespace crier::cmd
