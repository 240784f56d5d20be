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
// To find a place in a chain without walking it, every event also knows the one that lies, counted
// in events of its topic, as far back as the lowest set bit of its own number:
//
//   number  1    2    3    4    5    6    7    8
//   leap to 0    0    2    0    4    4    6    0     0: before the first
//
// Belongs to the control loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "broadcast/log/topic_table.h"
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
    Position leap = 0;  // Means something while what it leads to is retained.
  };

  // `topics` must outlive it.
  explicit History(TopicTable& topics) : topics_(topics), ring_(kCapacityMin) {}

  std::uint64_t events() const { return events_; }
  std::uint64_t bytes() const { return bytes_; }
  // Of any topic: the newest event that is gone, and how many are.
  const Evicted& evicted() const { return evicted_; }

  // The newest event, of a listed topic, whose `published` it counts. Requires: frame's sequence is
  // greater than every one before.
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

  // The oldest of a topic's events that is wanted: `wanted(number, sequence)`, where the newest's
  // number is topic.published, is true of the newest and of everything after one it is true of.
  // Asks at most log2(events) squared times. Requires: topic.events > 0.
  template <typename Wanted>
  Position oldest_wanted(const Topic& topic, Wanted wanted) const;

  // O(events), for checks: the topic's chain holds as many events and bytes as the topic says, in
  // order and linked both ways.
  bool chained(TopicRow row) const;

 private:
  static constexpr std::size_t kCapacityMin = 64;
  // Each log passes the wrap of its positions with its 100th event, so that the wrap is no rare
  // case.
  static constexpr Position kFirstPosition = ~Position{0} - 98;

  // How many events back the leap of an event leads.
  static std::uint64_t leap_of(std::uint64_t number) { return number & (~number + 1); }

  std::size_t mask() const { return ring_.size() - 1; }
  Entry& slot(Position position) { return ring_[position & mask()]; }
  std::uint32_t size() const { return end_ - front_; }  // With holes.
  Position leap_from_newest(const Topic& topic) const;
  void place(Entry entry);
  void pop_front_holes();
  void grow();
  void pack();

  TopicTable& topics_;
  std::vector<Entry> ring_;  // A power of two.
  Position front_ = kFirstPosition;
  Position end_ = kFirstPosition;
  std::uint64_t events_ = 0;
  std::uint64_t bytes_ = 0;
  Evicted evicted_;
};

static_assert(sizeof(History::Entry) == 32);

template <typename Wanted>
History::Position History::oldest_wanted(const Topic& topic, Wanted wanted) const {
  const std::uint64_t oldest = topic.published - topic.events + 1;
  if (wanted(oldest, at(topic.oldest).sequence)) return topic.oldest;
  Position found = topic.newest;
  std::uint64_t number = topic.published;
  while (number > oldest) {
    const Entry& entry = at(found);
    const std::uint64_t far = number - leap_of(number);
    if (far >= oldest && wanted(far, at(entry.leap).sequence)) {
      found = entry.leap;
      number = far;
    } else if (wanted(number - 1, at(entry.previous).sequence)) {
      found = entry.previous;
      --number;
    } else {
      break;
    }
  }
  return found;
}

}  // namespace crier::broadcast
