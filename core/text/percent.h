// Percent-encoding (RFC 3986, section 2.1) and queries (as HTML forms write them), decoded exactly
// once.
//
// What two readers could take differently is refused, not repaired: a '%' without two hexadecimal
// digits, and NUL, encoded or not. The result may still contain control characters and need not be
// UTF-8: whoever uses it as a topic, a name or a log field has rules of their own.
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

// The byte that "%XX", the beginning of `text`, spells; nullopt if two hexadecimal digits are not
// there. Requires: text begins with '%'.
std::optional<char> escaped_byte(std::string_view text);

// `plus_is_space`: true in a query, false in a path. nullopt: refused.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

using QueryPairs = std::vector<std::pair<std::string, std::string>>;

// The decoded names and values of `a=1&b=2`, in order; names may repeat. A piece without '=' is a
// name with an empty value; empty pieces are skipped. nullopt: something in it is refused, or there
// are more than `pairs_max` pairs.
std::optional<QueryPairs> parse_query(std::string_view query, std::size_t pairs_max);

}  // namespace crier
