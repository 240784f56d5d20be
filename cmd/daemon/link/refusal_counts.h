// The reasons to refuse a request for a stream. Answers, log lines and crier_requests_refused_total
// use the same words.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/counter.h"
#include "core/names.h"

namespace crier::cmd {

enum class RefusalReason : std::uint8_t {
  malformed,
  too_large,
  unsupported,     // crier understands the head and does not serve it: 411, 417, 501, 505.
  timeout,         // The head was not complete in time.
  pending_full,    // The connection was evicted for a newer one: limits.pending_requests_max.
  no_descriptors,  // The connection was closed at accept.
  method,
  not_found,
  forbidden,  // For the Host, the Origin, a pattern or a topic's class.
  not_acceptable,
  closed,  // 204: the topics are closed, and the client has had their last events.
  streams_max,
  streams_per_address_max,
  requests_per_address,
  breaker,            // The client's address is shut out.
  breaker_at_accept,  // It is, so a connection was closed unread.
  streams_per_topic_max,
  class_streams_max,  // The streams_max of a row of `topics`.
  topics_max,
  patterns_max,
  memory,  // limits.memory_max is nearly reached.
  draining,
};

constexpr std::array<std::string_view, 22> names_of(RefusalReason /*selects*/) {
  return {"malformed",
          "too_large",
          "unsupported",
          "timeout",
          "pending_full",
          "no_descriptors",
          "method",
          "not_found",
          "forbidden",
          "not_acceptable",
          "closed",
          "streams_max",
          "streams_per_address_max",
          "requests_per_address",
          "breaker",
          "breaker_at_accept",
          "streams_per_topic_max",
          "class_streams_max",
          "topics_max",
          "patterns_max",
          "memory",
          "draining"};
}

// The requests that one worker's SubscribeRoutes refused. Requests that never reached the routes
// are counted in net::PendingCounters and net::ListenerCounters; the metrics add them, so
// on_refused() does not count here. The worker writes; any thread may read.
struct RefusalCounts {
  std::array<Counter, kNamesOf<RefusalReason>.size()> by_reason;

  void add(RefusalReason reason) { by_reason[static_cast<std::size_t>(reason)].add(); }
  std::uint64_t read(RefusalReason reason) const {
    return by_reason[static_cast<std::size_t>(reason)].read();
  }
};

}  // namespace crier::cmd
