// What a subscriber asks for: `GET /events?topic=A&topic=B`, `GET /events/A`, or both in one.
//
// Resumes from the Last-Event-ID header, else from the first of these query parameters that has a
// value: last_event_id, lastEventId, Last-Event-ID, evs_last_event_id, in any case. A value that
// cannot be an id, whatever bytes it has, is an id that nobody knows; it never refuses the request.
// Without an id a stream begins where `last=N`, `from=earliest` or `from=latest` says.
// Other parameters are refused, but for those that polyfills and caches want. Pure functions; any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/topic.h"
#include "net/http/request.h"

namespace crier::net {

enum class Resume : std::uint8_t {
  none,
  id,        // After the event `resume_id`.
  earliest,  // Everything retained.
  last,      // The last `last_count` events of each literal topic.
};

inline constexpr std::uint32_t kLastCountMax = 1'000'000;

struct SubscribeRequest {
  std::vector<Selector> topics;  // Each once, in the order asked for.
  Resume resume = Resume::none;
  std::string resume_id;         // As sent: perhaps no id of ours, perhaps not even text.
  std::uint32_t last_count = 0;  // 1 to kLastCountMax.
  bool padding = false;          // padding=true or evs_preamble=1: a comment of 2 KB first.
};

// Why a request is refused, always with 400.
struct SubscribeRefusal {
  std::string_view code;  // A constant.
  std::string message;    // A sentence; what was sent is escaped in it.
};

// "/events", or anything below it?
bool is_events_path(std::string_view path);

// 1 to kLastCountMax.
std::optional<std::uint32_t> parse_last_count(std::string_view text);

// Refused: a topic that is not valid, no topic, more than `topics_max` different ones, a parameter
// that is unknown, `last` or `from` with another value or twice.
// Requires: is_events_path(request.path).
std::expected<SubscribeRequest, SubscribeRefusal> parse_subscribe_request(const Request& request,
                                                                          std::size_t topics_max);

}  // namespace crier::net
