#include "cmd/daemon/admin/topic_rates.h"

#include <algorithm>
#include <cmath>

namespace crier::cmd {
namespace {

constexpr double kShownMin = 0.05;  // Events a second.

}  // namespace

void TopicRates::count(std::string_view topic, std::uint64_t hash) {
  last_ = counter_of(topic, hash);
  counts_[last_] += 1;
}

std::size_t TopicRates::counter_of(std::string_view topic, std::uint64_t hash) {
  if (last_ < used_ && hashes_[last_] == hash && topics_[last_] == topic) return last_;
  for (std::size_t i = 0; i < used_; ++i) {
    if (hashes_[i] == hash && topics_[i] == topic) return i;
  }
  const bool all_used = used_ == kCounters;
  const std::size_t taken =
      all_used ? static_cast<std::size_t>(std::ranges::min_element(counts_) - counts_.begin())
               : used_++;
  errors_[taken] = counts_[taken];
  hashes_[taken] = hash;
  topics_[taken] = topic;
  return taken;
}

void TopicRates::pass(double seconds) {
  const double kept = std::exp2(-seconds / kHalfLifeSeconds);
  seconds_ = (seconds_ + seconds) * kept;
  for (std::size_t i = 0; i < used_; ++i) {
    counts_[i] *= kept;
    errors_[i] *= kept;
  }
}

std::vector<TopicRates::Row> TopicRates::rows() const {
  std::vector<Row> rows;
  if (seconds_ == 0) return rows;
  for (std::size_t i = 0; i < used_; ++i) {
    const double rate = (counts_[i] - errors_[i]) / seconds_;
    if (rate >= kShownMin) rows.push_back({topics_[i], rate});
  }
  return rows;
}

}  // namespace crier::cmd
