// Parses a subscriber's request: `GET /events?topic=A&topic=B`, `GET /events/A`, or both in one.
//
// A stream resumes from the Last-Event-ID header, or else from the first of these query parameters
// that has a value: last_event_id, lastEventId, Last-Event-ID, evs_last_event_id, in any case. A
// value that cannot be an id is an unknown id; it never causes a refusal. Without an id a stream
// begins as `last=N`, `from=earliest` or `from=latest` asks.
//
// `rate=N` asks for at most N events per second. A value that is no number from 1 to kRateMax is
// ignored, and the lowest of several counts. X-Consumer-Throughput is such a rate, too, and
// X-Consumer-Lag says how many events the client has received and not yet processed. A value that
// is no number is ignored.
//
// Other parameters are refused, except those that polyfills send and pages add against caches. Pure
// functions; any thread.
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
inline constexpr std::uint32_t kRateMax = 1'000'000;

struct SubscribeRequest {
  std::vector<Selector> topics;  // Each once, in the order of the request.
  Resume resume = Resume::none;
  std::string resume_id;         // As the client sent it: any bytes.
  std::uint32_t last_count = 0;  // 1 to kLastCountMax.
  // Events per second that the client asks for, 1 to kRateMax; 0: as its class gives.
  std::uint32_t rate = 0;
  std::uint32_t consumer_throughput = 0;  // 1 to kRateMax; 0: unknown.
  std::uint32_t consumer_lag = 0;
  bool padding = false;  // padding=true or evs_preamble=1: begin with a comment of 2 KB.
};

// The reason to refuse a request, always with 400.
struct SubscribeRefusal {
  std::string_view code;  // A constant.
  std::string message;    // A sentence; quotes the client's text with escapes.
};

// Whether `path` is "/events" or below it.
bool is_events_path(std::string_view path);

// Parses a number from 1 to kLastCountMax; nothing for any other text.
std::optional<std::uint32_t> parse_last_count(std::string_view text);

// Refuses an invalid topic, no topic, more than `topics_max` different topics, an unknown
// parameter, and `last` or `from` with an invalid value or twice.
// Requires: is_events_path(request.path).
std::expected<SubscribeRequest, SubscribeRefusal> parse_subscribe_request(const Request& request,
                                                                          std::size_t topics_max);

}  // namespace crier::net
