#include "broadcast/log/closed_topics.h"

#include <algorithm>
#include <utility>

#include "core/check.h"

namespace crier::broadcast {
namespace {

constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kRelease = std::memory_order_release;

}  // namespace

ClosedTopics::ClosedTopics() {
  tables_.push_back(std::make_unique<Table>(1));
  table_.store(tables_.back().get(), kRelease);
}

// The order of the loads makes the sequence the version of its slot: it is 0 while the rest of the
// slot changes.
Closing ClosedTopics::find(std::uint64_t topic_hash) const {
  if (size() == 0) return {};
  for (const Bucket* bucket : table_.load(kAcquire)->buckets_of(topic_hash)) {
    for (const Slot& slot : *bucket) {
      const std::uint64_t sequence = slot.sequence.load(kAcquire);
      if (sequence == 0 || slot.hash.load(kAcquire) != topic_hash) continue;
      const Closing closing{sequence, slot.before.load(kAcquire)};
      if (slot.sequence.load(kRelaxed) == sequence) return closing;
    }
  }
  return {};
}

// Returns false if both buckets are full.
bool ClosedTopics::Table::place(std::uint64_t hash, const Closing& closing) {
  const auto free_in = [](const Bucket* bucket) {
    return std::ranges::count_if(
        *bucket, [](const Slot& slot) { return slot.sequence.load(kRelaxed) == 0; });
  };
  Bucket& emptier = *std::ranges::max(buckets_of(hash), {}, free_in);
  for (Slot& slot : emptier) {
    if (slot.sequence.load(kRelaxed) != 0) continue;
    slot.hash.store(hash, kRelease);
    slot.before.store(closing.before, kRelease);
    slot.sequence.store(closing.sequence, kRelease);
    return true;
  }
  return false;
}

void ClosedTopics::add(std::uint64_t topic_hash, const Closing& closing) {
  CRIER_CHECK(closing.sequence > 0);
  remove(topic_hash);
  while (!tables_.back()->place(topic_hash, closing)) grow();
  size_.store(size() + 1, kRelease);
}

void ClosedTopics::grow() {
  const Table& full = *tables_.back();
  const auto copied_to = [&full](Table& larger) {
    for (std::size_t i = 0; i <= full.mask; ++i) {
      for (const Slot& slot : full.all[i]) {
        const Closing closing{slot.sequence.load(kRelaxed), slot.before.load(kRelaxed)};
        if (closing && !larger.place(slot.hash.load(kRelaxed), closing)) return false;
      }
    }
    return true;
  };
  std::size_t buckets = full.mask + 1;
  std::unique_ptr<Table> larger;
  do {
    buckets *= 2;
    larger = std::make_unique<Table>(buckets);
  } while (!copied_to(*larger));
  table_.store(larger.get(), kRelease);
  tables_.push_back(std::move(larger));
}

void ClosedTopics::remove(std::uint64_t topic_hash) {
  if (size() == 0) return;
  for (Bucket* bucket : tables_.back()->buckets_of(topic_hash)) {
    for (Slot& slot : *bucket) {
      if (slot.sequence.load(kRelaxed) == 0 || slot.hash.load(kRelaxed) != topic_hash) continue;
      slot.sequence.store(0, kRelease);
      size_.store(size() - 1, kRelaxed);
      return;
    }
  }
}

}  // namespace crier::broadcast
