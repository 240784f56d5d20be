// How far one word is from another, for "did you mean".
//
// A pure function; any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace crier {

// Levenshtein's distance: how many bytes to insert, remove or replace. Takes the product of both
// sizes in time: bound them.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace crier
