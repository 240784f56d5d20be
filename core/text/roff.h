// Escapes text for a manual page (roff with the man macros).
//
// A pure function; any thread.
#pragma once

#include <string>
#include <string_view>

namespace crier {

// Returns `text` so that roff prints it unchanged: escapes backslashes, quotes, hyphens, and lines
// that begin like a request. Line ends and UTF-8 stay as they are. The result may also be a macro's
// argument between double quotes.
std::string roff_text(std::string_view text);

}  // namespace crier
