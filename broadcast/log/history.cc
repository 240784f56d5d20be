#include "broadcast/log/history.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "core/check.h"

namespace crier::broadcast {

void History::push(TopicRow row, const FrameRef& frame) {
  CRIER_CHECK(size() == 0 || frame->sequence() > at(end_ - 1).sequence);
  if (size() == ring_.size()) grow();
  Topic& topic = topics_[row];
  ++topic.published;
  place({.frame = frame,
         .sequence = frame->sequence(),
         .topic = row,
         .leap = leap_from_newest(topic)});
  ++topic.events;
  const std::size_t bytes = frame->memory_bytes();
  topic.bytes += bytes;
  ++events_;
  bytes_ += bytes;
}

// Of the event that comes: from the one before it by its leaps, which clear its number's lowest
// bits one after the other.
History::Position History::leap_from_newest(const Topic& topic) const {
  const std::uint64_t leap = leap_of(topic.published);
  if (leap > topic.events) return 0;
  Position found = topic.newest;
  for (std::uint64_t back = 1; back < leap; back *= 2) found = at(found).leap;
  return found;
}

// Puts an entry at the end of the ring and of its topic's chain.
void History::place(Entry entry) {
  Topic& topic = topics_[entry.topic];
  if (topic.events == 0) {
    topic.oldest = end_;
  } else {
    slot(topic.newest).next = end_;
    entry.previous = topic.newest;
  }
  topic.newest = end_;
  slot(end_++) = std::move(entry);
}

void History::evict_oldest_of(TopicRow row) {
  Topic& topic = topics_[row];
  CRIER_CHECK(topic.events > 0);
  Entry& entry = slot(topic.oldest);
  CRIER_CHECK(entry.frame);
  CRIER_CHECK(entry.topic == row);
  topic.evicted = {entry.sequence, evicted_.number + 1};
  evicted_.raise_to(topic.evicted);
  const std::size_t bytes = entry.frame->memory_bytes();
  topic.bytes -= bytes;
  bytes_ -= bytes;
  --topic.events;
  --events_;
  topic.oldest = entry.next;
  entry.frame = FrameRef();
  pop_front_holes();
  const std::uint64_t holes = size() - events_;
  const bool mostly_holes = size() > kCapacityMin && holes > events_;
  const bool mostly_vacant = ring_.size() > kCapacityMin && std::size_t{size()} * 8 < ring_.size();
  if (mostly_holes || mostly_vacant) pack();
}

void History::pop_front_holes() {
  while (front_ != end_ && !at(front_).frame) ++front_;
}

History::Position History::first_after(std::uint64_t sequence) const {
  if (size() == 0 || at(front_).sequence > sequence) return front_;
  if (at(end_ - 1).sequence <= sequence) return end_;
  // Sequences grow by at least one an entry, so what we look for is at most so far from the front;
  // it is exactly there unless the ring was packed.
  const std::uint64_t distance = sequence - at(front_).sequence + 1;
  std::uint32_t low = 0;  // Not greater.
  auto high =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(distance, size() - 1));  // Greater.
  if (at(front_ + high - 1).sequence <= sequence) return front_ + high;
  while (high - low > 1) {
    const std::uint32_t middle = low + (high - low) / 2;
    (at(front_ + middle).sequence <= sequence ? low : high) = middle;
  }
  return front_ + high;
}

bool History::chained(TopicRow row) const {
  const Topic& topic = topics_[row];
  std::uint64_t bytes = 0;
  Position at_now = topic.oldest;
  for (std::uint32_t i = 0; i < topic.events; ++i) {
    const Entry& entry = at(at_now);
    const bool last = i + 1 == topic.events;
    if (!entry.frame || entry.topic != row || entry.sequence <= topic.evicted.through) return false;
    if (last != (at_now == topic.newest)) return false;
    bytes += entry.frame->memory_bytes();
    if (last) break;
    if (at(entry.next).previous != at_now) return false;
    if (at(entry.next).sequence <= entry.sequence) return false;
    at_now = entry.next;
  }
  return bytes == topic.bytes;
}

void History::grow() {
  CRIER_CHECK(ring_.size() <= std::size_t{1} << 30);
  std::vector<Entry> larger(ring_.size() * 2);
  for (Position p = front_; p != end_; ++p) larger[p & (larger.size() - 1)] = std::move(slot(p));
  ring_ = std::move(larger);
}

// Moves the events together into a ring of the right size. They take the positions after the
// present ones, so that a chain's old position cannot be taken for a new one.
void History::pack() {
  std::vector<Entry> old(std::max(kCapacityMin, std::bit_ceil(events_ * 2)));
  old.swap(ring_);
  const Position old_end = end_;
  for (Position p = std::exchange(front_, end_); p != old_end; ++p) {
    Entry& entry = old[p & (old.size() - 1)];
    if (!entry.frame) continue;
    Topic& topic = topics_[entry.topic];
    if (topic.oldest == p) {
      topic.oldest = end_;
    } else {
      slot(topic.newest).next = end_;
      entry.previous = topic.newest;
    }
    // What moved says where to, in its `next`; a leap to what is gone leads anywhere, as before.
    entry.leap = old[entry.leap & (old.size() - 1)].next;
    topic.newest = end_;
    std::swap(slot(end_), entry);
    entry.next = end_++;
  }
  CRIER_CHECK(size() == events_);
}

}  // namespace crier::broadcast
