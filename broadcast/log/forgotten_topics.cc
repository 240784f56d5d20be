#include "broadcast/log/forgotten_topics.h"

#include "core/check.h"

namespace crier::broadcast {

void ForgottenTopics::add(std::uint64_t topic_hash, const Evicted& evicted, std::uint64_t loss) {
  CRIER_CHECK(evicted.through > 0);
  highest_.raise_to(evicted);
  if (topics_max_ == 0) return leave(topic_hash, evicted, loss);
  if (const auto known = index_of(topic_hash)) {  // Another topic with the same hash is known.
    entries_[*known].evicted.raise_to(evicted);
    return;
  }
  const std::uint32_t at = vacant_entry(loss);
  entries_[at] = {topic_hash, evicted};
  index_.insert(topic_hash, at);
  CRIER_CHECK(index_.size() <= topics_max_);
}

void ForgottenTopics::remove(std::uint64_t topic_hash) {
  const auto at = index_of(topic_hash);
  if (!at) return;
  index_.erase(topic_hash, *at);
  entries_[*at] = {};
  vacant_.push_back(*at);
}

Evicted ForgottenTopics::find(std::uint64_t topic_hash) const {
  const auto at = index_of(topic_hash);
  return at ? entries_[*at].evicted : floor_;
}

std::optional<std::uint32_t> ForgottenTopics::index_of(std::uint64_t topic_hash) const {
  return index_.find(topic_hash,
                     [&](std::uint32_t at) { return entries_[at].topic_hash == topic_hash; });
}

void ForgottenTopics::leave(std::uint64_t topic_hash, const Evicted& evicted, std::uint64_t loss) {
  floor_.raise_to(evicted);
  if (!closed_.find(topic_hash)) return;
  floor_.raise_to({evicted.through, loss});
  closed_.remove(topic_hash);
}

std::uint32_t ForgottenTopics::vacant_entry(std::uint64_t loss) {
  if (!vacant_.empty()) {
    const std::uint32_t at = vacant_.back();
    vacant_.pop_back();
    return at;
  }
  if (entries_.size() < topics_max_) {
    entries_.emplace_back();
    return static_cast<std::uint32_t>(entries_.size() - 1);
  }
  std::size_t chosen = hand_;
  for (std::size_t i = 0; i < std::min(kCompared, entries_.size()); ++i) {
    const std::size_t at = (hand_ + i) % entries_.size();
    if (entries_[at].evicted.through < entries_[chosen].evicted.through) chosen = at;
  }
  hand_ = (hand_ + kCompared) % entries_.size();
  const Entry& leaving = entries_[chosen];
  leave(leaving.topic_hash, leaving.evicted, loss);
  const auto at = static_cast<std::uint32_t>(chosen);
  index_.erase(leaving.topic_hash, at);
  return at;
}

}  // namespace crier::broadcast
