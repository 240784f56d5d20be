// How fast each user may publish: a token bucket of events for each uid; see core/cost_bucket.h.
//
// The table holds kUsersMax users. When a further user comes, the user whose bucket has been full
// the longest is forgotten, which changes nothing for that user. If no bucket is full, the one that
// is nearest to it is forgotten, and its user has a full bucket again.
//
// Belongs to the control loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "core/cost_bucket.h"
#include "core/instant.h"

namespace crier::cmd {

class PublisherRates {
 public:
  static constexpr std::size_t kUsersMax = 1'024;

  explicit PublisherRates(const CostRate& rate) : rate_(rate) {}

  // Sets the rate of every user. If it differs, all buckets are full again.
  void set_rate(const CostRate& rate);

  // Returns the nanoseconds until the user may publish so many events at once; 0: now.
  std::uint64_t wait_ns(std::uint32_t uid, std::uint64_t events, Instant now) const;
  // Takes the tokens of events that the user has published.
  void take(std::uint32_t uid, std::uint64_t events, Instant now);

  std::size_t users() const { return buckets_.size(); }

 private:
  CostRate rate_;
  std::unordered_map<std::uint32_t, CostBucket> buckets_;
};

}  // namespace crier::cmd
