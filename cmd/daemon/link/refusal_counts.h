// Why a request for a stream was refused: the words of answers, log lines and of
// crier_requests_refused_total.
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
  unsupported,     // A head we understand and do not serve: 411, 417, 501, 505.
  timeout,         // The head did not come whole in time.
  pending_full,    // Evicted for newer ones: limits.pending_requests_max.
  no_descriptors,  // Closed at accept.
  method,
  not_found,
  forbidden,  // Its Host, its Origin, a pattern or a topic's class.
  not_acceptable,
  streams_max,
  streams_per_address_max,
  topics_max,
  patterns_max,
  draining,
};

constexpr std::array<std::string_view, 15> names_of(RefusalReason /*selects*/) {
  return {"malformed",    "too_large",      "unsupported", "timeout",
          "pending_full", "no_descriptors", "method",      "not_found",
          "forbidden",    "not_acceptable", "streams_max", "streams_per_address_max",
          "topics_max",   "patterns_max",   "draining"};
}

// What one worker's routes refused themselves. What never reached them is counted where it was
// refused (net::PendingCounters, net::ListenerCounters) and added in the metrics: on_refused() does
// not count here. The worker counts, any thread reads.
struct RefusalCounts {
  std::array<Counter, kNamesOf<RefusalReason>.size()> by_reason;

  void add(RefusalReason reason) { by_reason[static_cast<std::size_t>(reason)].add(); }
  std::uint64_t read(RefusalReason reason) const {
    return by_reason[static_cast<std::size_t>(reason)].read();
  }
};

}  // namespace crier::cmd
