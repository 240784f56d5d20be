// Is it UTF-8? By the Unicode Standard's table of well-formed byte sequences (3-7): no overlong
// form, no surrogate, nothing above U+10FFFF, nothing cut short.
//
// Pure functions; any thread.
#pragma once

#include <cstddef>
#include <string_view>

namespace crier {

bool valid_utf8(std::string_view text);

// What an event's data may be: UTF-8 without NUL.
bool valid_event_text(std::string_view text);

// What a text begins with.
struct Utf8Step {
  // Of the character, or, where there is none, of what stands for one U+FFFD: the longest beginning
  // of a well-formed sequence, at least one byte (as the WHATWG decoder replaces).
  std::size_t bytes;
  bool valid;
};

// Requires: !text.empty().
Utf8Step utf8_step(std::string_view text);

// Is this character one that ends a line or steers a terminal: C0, DEL, C1 (U+0080 to U+009F),
// U+2028 or U+2029? Requires: `character` is exactly one valid sequence.
bool is_control_character(std::string_view character);

}  // namespace crier
