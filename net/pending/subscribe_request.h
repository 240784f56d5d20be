// What a subscriber asks for: `GET /events?topic=A&topic=B`, `GET /events/A`, or both in one.
//
// Resumes from the Last-Event-ID header, else from the first of these query parameters that has a
// value: last_event_id, lastEventId, lastEventID, Last-Event-ID, evs_last_event_id. A value that
// cannot be an id, whatever bytes it has, is an id that nobody knows; it never refuses the request.
// Parameters of other meanings are left alone. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "core/topic.h"
#include "net/http/request.h"

namespace crier::net {

enum class Resume : std::uint8_t {
  none,
  id,        // After the event `resume_id`.
  earliest,  // Everything retained: "earliest".
  last,      // The last `last_count` events of each literal topic: "last=N".
};

inline constexpr std::uint32_t kLastCountMax = 1'000'000;

struct SubscribeRequest {
  std::vector<Selector> topics;  // Each once, in the order asked for.
  Resume resume = Resume::none;
  std::string resume_id;         // As sent: perhaps no id of ours, perhaps not even text.
  std::uint32_t last_count = 0;  // 1 to kLastCountMax.
  bool padding = false;          // padding=true or evs_preamble=1: a comment of 2 KB first.
};

// "/events", or anything below it?
bool is_events_path(std::string_view path);

// Refused with 400: a topic that is none, no topic, more than `topics_max` different ones.
// Requires: is_events_path(request.path).
std::expected<SubscribeRequest, Refusal> parse_subscribe_request(const Request& request,
                                                                 std::size_t topics_max);

}  // namespace crier::net
