// Checks UTF-8 by the Unicode Standard's table of well-formed byte sequences (3-7): no overlong
// form, no surrogate, nothing above U+10FFFF, no incomplete sequence.
//
// Pure functions; any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace crier {

// Returns true if the whole text is UTF-8.
bool valid_utf8(std::string_view text);

// Returns true if the text may be an event's data: UTF-8 without NUL.
bool valid_event_text(std::string_view text);

// The result of utf8_step().
struct Utf8Step {
  // The size of the character. For invalid bytes, the size of the part that one U+FFFD replaces, at
  // least one byte: the longest beginning of a well-formed sequence, as the WHATWG decoder has it.
  std::size_t bytes;
  bool valid;
};

// Requires: !text.empty().
Utf8Step utf8_step(std::string_view text);

// Returns true if this character ends a line or controls a terminal: C0, DEL, C1 (U+0080 to
// U+009F), U+2028 or U+2029. Requires: `character` is exactly one valid sequence.
bool is_control_character(std::string_view character);

}  // namespace crier
