// Text as a manual page takes it (roff, with the man macros).
//
// A pure function; any thread.
#pragma once

#include <string>
#include <string_view>

namespace crier {

// The text such that roff prints it as it is: backslashes, quotes, hyphens, a line that begins like
// a request. Lines stay lines, UTF-8 stays UTF-8. The result may also be a macro's argument,
// between double quotes.
std::string roff_text(std::string_view text);

}  // namespace crier
