// The events the log retains: one ring in sequence order, in which each topic's events are chained.
//
//   position   17   18   19   20   21   22          front = 17, end = 23
//   sequence  101  102    -  104  107  108          19 is a hole: its event was evicted before
//   older ones topic       A    B         A    B    A           of other topics
//               '-------------^---------^   next / previous of A
//
// A topic always loses its oldest event first, so it is the middle of the ring that gets holes.
// Holes at the front vanish at once; when holes outnumber events the ring is packed: the price of a
// rarely published topic is its own events, not the busy years in between. Positions are counts
// that wrap.
//
// Belongs to the control loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "broadcast/topic_table.h"
#include "core/frame.h"

namespace crier::broadcast {

class History {
 public:
  using Position = std::uint32_t;

  struct Entry {
    FrameRef frame;  // Null: a hole.
    std::uint64_t sequence = 0;
    TopicRow topic = 0;
    // Neighbours in the topic's chain; the first has no previous, the last no next: ask the topic.
    Position next = 0;
    Position previous = 0;
    std::uint32_t bytes = 0;
  };

  // `topics` must outlive it.
  explicit History(TopicTable& topics) : topics_(topics), ring_(kCapacityMin) {}

  std::uint64_t events() const { return events_; }
  std::uint64_t bytes() const { return bytes_; }
  // Of any topic: the newest event that is gone, and how many are.
  const Evicted& evicted() const { return evicted_; }

  // The newest event, of a listed topic. Requires: frame's sequence is greater than every one
  // before.
  void push(TopicRow row, const FrameRef& frame);

  // Forgets the oldest event of a topic that has one.
  void evict_oldest_of(TopicRow row);

  // The topic of the oldest event of all. Requires: events() > 0.
  TopicRow oldest_topic() const { return at(front_).topic; }

  // --- reading: positions are good until the next push or evict ---
  Position front() const { return front_; }
  Position end() const { return end_; }
  const Entry& at(Position position) const { return ring_[position & mask()]; }

  // The first entry, hole or not, whose sequence is greater; end() when there is none.
  Position first_after(std::uint64_t sequence) const;

 private:
  static constexpr std::size_t kCapacityMin = 64;

  std::size_t mask() const { return ring_.size() - 1; }
  Entry& slot(Position position) { return ring_[position & mask()]; }
  std::uint32_t size() const { return end_ - front_; }  // With holes.
  void place(Entry entry);
  void pop_front_holes();
  void grow();
  void pack();

  TopicTable& topics_;
  std::vector<Entry> ring_;  // A power of two.
  Position front_ = 0;
  Position end_ = 0;
  std::uint64_t events_ = 0;
  std::uint64_t bytes_ = 0;
  Evicted evicted_;
};

static_assert(sizeof(History::Entry) == 32);

}  // namespace crier::broadcast
