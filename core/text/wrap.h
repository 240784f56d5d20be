// Text in lines of a bounded width, for tables, comments and manuals.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace crier {

// Returns `text` in lines that begin with `indent`, have at most `columns` bytes and end with LF. A
// word that is longer than that has a line of its own.
std::string wrapped(std::string_view text, std::string_view indent, std::size_t columns);

}  // namespace crier
