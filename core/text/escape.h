// Text of others, made safe to put into a log line or a JSON document.
//
// All take any bytes. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace crier {

// One line that a terminal shows as it is, to be put between double quotes. Control characters (C0,
// DEL, C1, U+2028, U+2029) and bytes that are not UTF-8 become \n, \r, \t or \xNN per byte,
// backslash and double quote get a backslash. The result has at most `bytes_max` bytes; where
// something was left out, it ends with an ellipsis (…). Never ends within a character or an escape.
// Requires: bytes_max >= 3, for the ellipsis.
std::string escaped_for_log(std::string_view text, std::size_t bytes_max = 256);

// The same between double quotes, for a sentence that says what was sent.
std::string in_quotes(std::string_view text, std::size_t bytes_max = 64);

// The inside of a JSON string (RFC 8259, section 7), cut like the above. What is not UTF-8 becomes
// U+FFFD, as browsers replace it; the same control characters become \n, \r, \t or \uNNNN, so the
// document has none either. Requires: bytes_max >= 3.
std::string escaped_for_json(std::string_view text, std::size_t bytes_max = 256);

// Appends the whole of `text` as a JSON string, quotes included.
void append_json_string(std::string& out, std::string_view text);

}  // namespace crier
