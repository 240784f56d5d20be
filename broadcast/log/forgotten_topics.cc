#include "broadcast/log/forgotten_topics.h"

#include <algorithm>
#include <functional>
#include <utility>

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

void ForgottenTopics::begin_restore(const Remembered& remembered, std::uint64_t loss) {
  CRIER_CHECK(entries_.empty());
  topics_max_ = std::max(topics_max_, remembered.topics.size());
  if (remembered.floor > 0) floor_ = {remembered.floor, loss};
  for (const Remembered::Topic& topic : remembered.topics) {
    const Evicted evicted{topic.evicted_through, loss};
    if (const auto known = index_of(topic.hash)) {
      entries_[*known].evicted.raise_to(evicted);
      continue;
    }
    index_.insert(topic.hash, static_cast<std::uint32_t>(entries_.size()));
    entries_.push_back({topic.hash, evicted});
  }
}

// Topics that are listed again have left vacant entries. Those whose losses are the newest stay.
void ForgottenTopics::end_restore(const Evicted& hole, std::size_t topics_max) {
  floor_.raise_to(hole);
  highest_.raise_to(floor_);
  std::vector<Entry> all = std::exchange(entries_, {});
  std::erase_if(all, [](const Entry& entry) { return !entry.in_use(); });
  vacant_ = {};
  index_ = {};
  topics_max_ = topics_max;
  hand_ = 0;
  std::ranges::sort(all, std::ranges::greater(), [](auto& entry) { return entry.evicted.through; });
  for (Entry& entry : all) {
    entry.evicted.raise_to(hole);
    highest_.raise_to(entry.evicted);
    if (entry.evicted.through == 0) {  // Its events are missing, but no hole was told.
      closed_.remove(entry.topic_hash);
      continue;
    }
    if (entries_.size() == topics_max_) {
      leave(entry.topic_hash, entry.evicted, hole.number);
      continue;
    }
    index_.insert(entry.topic_hash, static_cast<std::uint32_t>(entries_.size()));
    entries_.push_back(entry);
  }
  entries_.shrink_to_fit();
}

}  // namespace crier::broadcast
