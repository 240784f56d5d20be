#include "broadcast/log/history.h"

#include <iterator>
#include <utility>

#include "core/check.h"

namespace crier::broadcast {

History::~History() {
  for (BlockIndex index = oldest_; index != kNone; index = blocks_[index].newer) {
    delete[] blocks_[index].entries;
  }
}

bool History::full() const {
  return newest_used_up() && blocks_.rented() == blocks_.capacity();
}

void History::push(TopicRow row, const FrameRef& frame) {
  CRIER_CHECK(frame->sequence() > head_);
  head_ = frame->sequence();
  if (newest_used_up()) begin_block(head_);
  Topic& topic = topics_[row];
  ++topic.published;
  place({.frame = frame,
         .sequence = frame->sequence(),
         .topic = row,
         .leap = leap_from_newest(topic)});
  ++topic.events;
  const std::size_t bytes = memory_of(*frame);
  topic.bytes += bytes;
  ++events_;
  bytes_ += bytes;
}

// Returns the leap of the next event. It starts at the newest event and follows leaps: each clears
// the lowest set bit of a number.
History::Position History::leap_from_newest(const Topic& topic) const {
  const std::uint64_t leap = leap_of(topic.published);
  if (leap > topic.events) return 0;
  Position found = topic.newest;
  for (std::uint64_t back = 1; back < leap; back *= 2) found = at(found).leap;
  return found;
}

// Puts an entry into the newest block's next slot and at the end of its topic's chain.
void History::place(Entry entry) {
  Topic& topic = topics_[entry.topic];
  Block& block = blocks_[newest_];
  const auto slot = static_cast<std::uint32_t>(std::countr_one(block.held));
  const Position position = newest_ * kBlockEvents + slot;
  if (topic.events == 0) {
    topic.oldest = position;
  } else {
    slot_of(topic.newest).next = position;
    entry.previous = topic.newest;
  }
  topic.newest = position;
  block.entries[slot] = std::move(entry);
  block.held |= bit(slot);
  block.live |= bit(slot);
  ++block.events;
}

void History::begin_block(std::uint64_t first_sequence) {
  constexpr std::size_t kAllocator = 23;  // A header of 8 bytes, then padding to a multiple of 16.
  constexpr std::size_t kOrderNode = 64;
  constexpr std::size_t kBlock = sizeof(Block) + kOrderNode + kAllocator;
  static_assert(kAllocator + sizeof(Entry) + kBlock / kBlockEvents < kEventBytes);
  const auto index = blocks_.rent();
  CRIER_CHECK(index.has_value());
  blocks_[*index] = {new Entry[kBlockEvents], 0, 0, newest_, kNone, kBlockEvents, 0};
  order_.emplace_hint(order_.end(), first_sequence, *index);
  const BlockIndex before = std::exchange(newest_, *index);
  if (before == kNone) {
    oldest_ = newest_;
  } else {
    blocks_[before].newer = newest_;
    if (before != oldest_) shrink(before);
  }
}

void History::evict_oldest_of(TopicRow row) {
  Topic& topic = topics_[row];
  CRIER_CHECK(topic.events > 0);
  const BlockIndex index = topic.oldest / kBlockEvents;
  const std::uint32_t slot = topic.oldest % kBlockEvents;
  Block& block = blocks_[index];
  CRIER_CHECK((block.live & bit(slot)) != 0);
  Entry& entry = History::entry(block, slot);
  CRIER_CHECK(entry.frame);
  CRIER_CHECK(entry.topic == row);
  const std::uint64_t sequence = entry.sequence;
  topic.evicted.raise_to({sequence, evicted_.number + 1});
  evicted_.raise_to(topic.evicted);
  const std::size_t bytes = memory_of(*entry.frame);
  topic.bytes -= bytes;
  bytes_ -= bytes;
  --topic.events;
  --events_;
  topic.oldest = entry.next;
  entry.frame = FrameRef();
  block.live &= ~bit(slot);
  if (--block.events == 0) {
    vacate(index, sequence);
  } else if (index != newest_ && index != oldest_) {
    shrink(index);
  }
}

// Shrinks a block whose memory is at least twice what its remaining events need.
void History::shrink(BlockIndex index) {
  Block& block = blocks_[index];
  if (block.events * 2 > block.room) return;
  auto* const fewer = new Entry[block.events];
  std::size_t moved = 0;
  for (std::size_t i = 0; i < block.room; ++i) {
    if (block.entries[i].frame) fewer[moved++] = std::move(block.entries[i]);
  }
  CRIER_CHECK(moved == block.events);
  delete[] std::exchange(block.entries, fewer);
  block.held = block.live;
  block.room = block.events;
}

// Gives back a block without events; `last_sequence` is that of its last event. The newest block is
// kept and starts again from its first slot, because the next event would need a block at once.
void History::vacate(BlockIndex index, std::uint64_t last_sequence) {
  Block& block = blocks_[index];
  CRIER_CHECK(block.live == 0);
  if (index == newest_) {
    block.held = 0;
    return;
  }
  const auto listed = std::prev(order_.upper_bound(last_sequence));
  CRIER_CHECK(listed->second == index);
  order_.erase(listed);
  (block.older == kNone ? oldest_ : blocks_[block.older].newer) = block.newer;
  blocks_[block.newer].older = block.older;
  delete[] block.entries;
  blocks_.give_back(index);
}

std::size_t History::room() const {
  std::size_t room = 0;
  for (BlockIndex index = oldest_; index != kNone; index = blocks_[index].newer) {
    room += blocks_[index].room;
  }
  return room;
}

// Returns the first event of the block, or end() for a newest block without events.
History::Position History::first_of(BlockIndex index) const {
  const std::uint64_t live = blocks_[index].live;
  if (live == 0) return end();
  return index * kBlockEvents + static_cast<std::uint32_t>(std::countr_zero(live));
}

History::Position History::after(Position position) const {
  const BlockIndex index = position / kBlockEvents;
  const std::uint32_t slot = position % kBlockEvents;
  const Block& block = blocks_[index];
  // Clears the lowest `slot + 1` bits. A shift by 64 would be undefined.
  const std::uint64_t later = block.live & ~(bit(slot) | (bit(slot) - 1));
  if (later != 0) {
    return index * kBlockEvents + static_cast<std::uint32_t>(std::countr_zero(later));
  }
  return block.newer == kNone ? end() : first_of(block.newer);
}

// Finds the block in order_ and then looks at its events: the event is in this block, or it is the
// first of the next one.
History::Position History::first_after(std::uint64_t sequence) const {
  const auto later = order_.upper_bound(sequence);
  if (later == order_.begin()) return front();
  Position found = first_of(std::prev(later)->second);
  while (found != end() && at(found).sequence <= sequence) found = after(found);
  return found;
}

bool History::chained(TopicRow row) const {
  const Topic& topic = topics_[row];
  std::uint64_t bytes = 0;
  Position at_now = topic.oldest;
  for (std::uint32_t i = 0; i < topic.events; ++i) {
    const Entry& entry = at(at_now);
    const bool last = i + 1 == topic.events;
    if (!entry.frame || entry.topic != row) return false;
    if (entry.sequence <= topic.evicted.through && topic.evicted.through > hole_) return false;
    if (last != (at_now == topic.newest)) return false;
    bytes += memory_of(*entry.frame);
    if (last) break;
    if (at(entry.next).previous != at_now) return false;
    if (at(entry.next).sequence <= entry.sequence) return false;
    at_now = entry.next;
  }
  return bytes == topic.bytes;
}

}  // namespace crier::broadcast
