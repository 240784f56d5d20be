// Decodes percent-encoding (RFC 3986, section 2.1) and queries (as HTML forms write them), exactly
// once.
//
// Text that two readers could understand differently is refused, not repaired: a '%' without two
// hexadecimal digits, and NUL, encoded or not. The result may contain control characters and need
// not be UTF-8; the rules for topics, names and log fields are checked by the code that uses it.
//
// Pure functions; any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crier {

// Returns the byte that the three characters "%XX" at the beginning of `text` encode; nullopt
// without two hexadecimal digits. Requires: text begins with '%'.
std::optional<char> escaped_byte(std::string_view text);

// Decodes `text`; nullopt if it is refused. `plus_is_space` is true in a query, false in a path.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

using QueryPairs = std::vector<std::pair<std::string, std::string>>;

// Returns the decoded names and values of `a=1&b=2`, in order; names may repeat. A piece without
// '=' is a name with an empty value; empty pieces are skipped. Returns nullopt if a piece is
// refused, or if there are more than `pairs_max` pairs.
std::optional<QueryPairs> parse_query(std::string_view query, std::size_t pairs_max);

}  // namespace crier
