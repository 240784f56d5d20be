// Parses the rows of a list that a request asks for, on the publish socket and the admin endpoint.
//
// A pure function; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace crier::cmd {

inline constexpr std::size_t kPageRowsMax = 100;

struct PageQuery {
  std::uint64_t after = 0;  // The `next` of the page before; 0: from the start.
  std::size_t limit = kPageRowsMax;
};

// Parses `limit` (1 to kPageRowsMax) and `after`, both numbers, each at most once. Returns nothing
// for any other query, so that a misspelt name does not list everything.
std::optional<PageQuery> parse_page_query(std::string_view query);

}  // namespace crier::cmd
