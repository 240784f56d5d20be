// Which rows of a list a request asks for, on the publish socket and on the admin endpoint.
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
  std::uint64_t after = 0;  // `next` of the page before; 0: from the start.
  std::size_t limit = kPageRowsMax;
};

// From `limit` (1 to kPageRowsMax) and `after`, numbers both, each at most once. nullopt: anything
// else, another name for one, so that a misspelt one is not taken for the whole list.
std::optional<PageQuery> parse_page_query(std::string_view query);

}  // namespace crier::cmd
