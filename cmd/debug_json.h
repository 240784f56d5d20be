// The JSON of /debug/streams and /debug/topics. Pure functions.
//
// Each page is {"streams":[…],"next":"…"} or {"topics":[…],"next":"…"}; `next` goes into the next
// request's `after`, and is null on the last page. It is text: a cursor may be larger than the
// integers that JavaScript reads exactly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broadcast/log.h"
#include "cmd/worker_queries.h"
#include "core/event_id.h"

namespace crier::cmd {

struct PageQuery {
  std::uint64_t after = 0;  // 0: from the start.
  std::size_t limit = 0;
};

// From `limit` and `after`, where absent `rows_max` and the start; other names are ignored.
// nullopt: not a number, a limit of 0 or above `rows_max`, or a name twice.
std::optional<PageQuery> parse_page_query(std::string_view query, std::size_t rows_max);

std::string streams_json(const StreamPage& page);

// `subscribers` in the order of the page's topics; what it lacks is null.
std::string topics_json(const broadcast::TopicPage& page, const Epoch& epoch,
                        const std::vector<std::uint64_t>& subscribers);

}  // namespace crier::cmd
