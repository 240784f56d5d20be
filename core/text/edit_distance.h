// How many edits one word is away from another, for hints such as "did you mean".
//
// A pure function; any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace crier {

// Returns Levenshtein's distance: the number of bytes to insert, remove or replace. The time is the
// product of both sizes, so the caller must bound them.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace crier
