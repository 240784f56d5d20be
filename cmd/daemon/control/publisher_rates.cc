#include "cmd/daemon/control/publisher_rates.h"

#include <algorithm>

namespace crier::cmd {

void PublisherRates::set_rate(const CostRate& rate) {
  if (rate == rate_) return;
  rate_ = rate;
  buckets_.clear();
}

std::uint64_t PublisherRates::wait_ns(std::uint32_t uid, std::uint64_t events, Instant now) const {
  if (rate_.unlimited()) return 0;
  const auto found = buckets_.find(uid);
  return found == buckets_.end() ? 0 : found->second.wait_ns(rate_, events, now);
}

void PublisherRates::take(std::uint32_t uid, std::uint64_t events, Instant now) {
  if (rate_.unlimited() || events == 0) return;
  auto found = buckets_.find(uid);
  if (found == buckets_.end()) {
    if (buckets_.size() == kUsersMax) {
      buckets_.erase(std::ranges::min_element(
          buckets_, {}, [](const auto& user) { return user.second.full_at_ns(); }));
    }
    found = buckets_.try_emplace(uid).first;
  }
  found->second.take(rate_, events, now);
}

}  // namespace crier::cmd
