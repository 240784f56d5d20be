// Makes text from clients safe to put into a log line, a message or a JSON document.
//
// The functions take any bytes. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace crier {

// Returns one line that a terminal shows unchanged, to be put between double quotes. Control
// characters (C0, DEL, C1, U+2028, U+2029) and bytes that are not UTF-8 become \n, \r, \t, or \xNN
// for each byte. A backslash precedes each backslash and double quote. The result has at most
// `bytes_max` bytes; a result that was cut ends with an ellipsis (…), never within a character or
// an escape. Requires: bytes_max >= 3, for the ellipsis.
std::string escaped_for_log(std::string_view text, std::size_t bytes_max = 256);

// The same for a line of its own, without quotes around it: backslashes and double quotes stay.
std::string escaped_for_line(std::string_view text, std::size_t bytes_max = 256);

// Returns escaped_for_log() between double quotes, for a message that quotes what a client sent.
std::string in_quotes(std::string_view text, std::size_t bytes_max = 64);

// Returns the inside of a JSON string (RFC 8259, section 7), cut as escaped_for_log() cuts. Bytes
// that are not UTF-8 become U+FFFD, as in browsers. Control characters become \n, \r, \t or \uNNNN.
// Requires: bytes_max >= 3.
std::string escaped_for_json(std::string_view text, std::size_t bytes_max = 256);

// Appends the whole of `text` as a JSON string, quotes included.
void append_json_string(std::string& out, std::string_view text);

}  // namespace crier
