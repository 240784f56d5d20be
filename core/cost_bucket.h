// A token bucket for costs that differ: the bytes of a frame, the events of a request.
//
// A cost is allowed if the bucket has that many tokens. A cost above the burst is allowed when the
// bucket is full, and leaves a debt: it passes late rather than never, and the rate still holds.
//
// The bucket stores when it will be full again, in nanoseconds. Each cost is rounded up to a whole
// nanosecond, so the rate is never exceeded. A bucket of all-zero bytes is full. Unlike TokenBucket
// it takes 8 bytes, and needs no visits from the sweep.
//
// Values; not thread-safe.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/instant.h"

namespace crier {

struct CostRate {
  std::uint64_t per_second = 0;  // 0: no limit.
  std::uint64_t burst = 1;       // 1 to CostBucket::kCostMax.

  constexpr bool unlimited() const { return per_second == 0; }
  friend bool operator==(const CostRate&, const CostRate&) = default;
};

class CostBucket {
 public:
  // A cost in nanoseconds must fit into 64 bits.
  static constexpr std::uint64_t kCostMax = std::uint64_t{1} << 34;

  // Returns the nanoseconds until the cost is allowed; 0: it is allowed now. Requires:
  // !rate.unlimited(); cost <= kCostMax.
  std::uint64_t wait_ns(const CostRate& rate, std::uint64_t cost, Instant now) const {
    const std::uint64_t wanted = until_full_ns(now) + time_of(rate, std::min(cost, rate.burst));
    const std::uint64_t credit = time_of(rate, rate.burst);
    return wanted > credit ? wanted - credit : 0;
  }

  // Takes the tokens of a cost, even if the bucket has fewer. Requires: as wait_ns().
  void take(const CostRate& rate, std::uint64_t cost, Instant now) {
    full_at_ns_ = std::max(full_at_ns_, now.us * 1'000) + time_of(rate, cost);
  }

  // Makes the bucket at most empty: for a rate that has changed since the last take().
  void forget_debt(const CostRate& rate, Instant now) {
    full_at_ns_ = std::min(full_at_ns_, now.us * 1'000 + time_of(rate, rate.burst));
  }

  // Returns when the bucket will be full, or has become full.
  std::uint64_t full_at_ns() const { return full_at_ns_; }

 private:
  std::uint64_t until_full_ns(Instant now) const {
    return full_at_ns_ > now.us * 1'000 ? full_at_ns_ - now.us * 1'000 : 0;
  }
  static std::uint64_t time_of(const CostRate& rate, std::uint64_t cost) {
    return (cost * 1'000'000'000 + rate.per_second - 1) / rate.per_second;
  }

  std::uint64_t full_at_ns_ = 0;
};

}  // namespace crier
