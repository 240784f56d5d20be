// The events the log retains, in sequence order, in which each topic's events are chained.
//
//   block            | 101  102   -  104 | 105   -    -    -  | 109  110           |
//   topic            |  A    B         A |  B                 |  A    B            |
//                       '--------------^----------------------^  next / previous of A
//
// A topic always loses its oldest event first, so events also leave from the middle. An event keeps
// its block and its slot there, hence its position, until it is evicted. A block that has lost half
// of its entries copies the rest into a smaller array; an empty block is given back. So no call
// moves more than half a block, and there is memory for at most twice the events retained
// and one block: a rarely published topic costs its own events, not the busy years in between.
//
// To find a place in a chain without walking it, every event also knows the one that lies, counted
// in events of its topic, as far back as the lowest set bit of its own number:
//
//   number  1    2    3    4    5    6    7    8
//   leap to 0    0    2    0    4    4    6    0     0: before the first
//
// Belongs to the control loop.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>

#include "broadcast/log/topic_table.h"
#include "core/frame.h"
#include "core/free_indices.h"
#include "core/index_pool.h"

namespace crier::broadcast {

class History {
 public:
  using Position = std::uint32_t;  // A block and a slot in it; says nothing about the order.
  static constexpr std::uint32_t kBlockEvents = 64;

  struct Entry {
    FrameRef frame;
    std::uint64_t sequence = 0;
    TopicRow topic = 0;
    // Neighbours in the topic's chain; the first has no previous, the last no next: ask the topic.
    Position next = 0;
    Position previous = 0;
    Position leap = 0;  // Means something while what it leads to is retained.
  };

  // `topics` must outlive it. Requires: 0 < blocks_max <= FreeIndices::kCapacityMax.
  explicit History(TopicTable& topics, std::size_t blocks_max = FreeIndices::kCapacityMax)
      : topics_(topics), blocks_(blocks_max) {}
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // No event can be added, for each of blocks_max blocks holds one at least: a billion events, or
  // fewer that are thinly spread. Evicting the oldest of all makes room, the 64th time at the
  // latest.
  bool full() const;

  // The memory an event takes: its frame, what the allocator adds to that (up to 23 bytes), its
  // entry, and its part of a full block.
  static constexpr std::size_t kEventBytes = 64;
  static std::size_t memory_of(const Frame& frame) { return frame.memory_bytes() + kEventBytes; }

  std::uint64_t events() const { return events_; }
  std::uint64_t bytes() const { return bytes_; }  // memory_of() each.
  std::uint64_t frame_bytes() const { return bytes_ - events_ * kEventBytes; }
  // Of any topic: the newest event that is gone, and how many are.
  const Evicted& evicted() const { return evicted_; }

  // The newest event, of a listed topic, whose `published` it counts. Requires: !full(), and
  // frame's sequence is greater than every one before.
  void push(TopicRow row, const FrameRef& frame);

  // Forgets the oldest event of a topic that has one.
  void evict_oldest_of(TopicRow row);

  // The topic of the oldest event of all. Requires: events() > 0.
  TopicRow oldest_topic() const { return at(front()).topic; }

  // --- reading: a position is good until its event is evicted ---
  // The oldest event of all; end() if no event is retained.
  Position front() const { return oldest_ == kNone ? end() : first_of(oldest_); }
  Position end() const { return ~Position{0}; }
  // The next event of any topic, or end(). Requires: not end().
  Position after(Position position) const;
  const Entry& at(Position position) const {
    return entry(blocks_[position / kBlockEvents], position % kBlockEvents);
  }

  // The first event whose sequence is greater; end() if no event has a greater one.
  Position first_after(std::uint64_t sequence) const;

  // The oldest of a topic's events that is wanted: `wanted(number, sequence)`, where the newest's
  // number is topic.published, is true of the newest and of everything after one it is true of.
  // Asks at most log2(events) squared times. Requires: topic.events > 0.
  template <typename Wanted>
  Position oldest_wanted(const Topic& topic, Wanted wanted) const;

  // O(events), for checks: the topic's chain holds as many events and bytes as the topic says, in
  // order and linked both ways.
  bool chained(TopicRow row) const;
  // O(blocks), for checks: the entries that memory is held for.
  std::size_t room() const;

 private:
  using BlockIndex = std::uint32_t;
  static constexpr BlockIndex kNone = ~BlockIndex{0};

  // Events that came one after another. Only the newest block has room for all its slots.
  struct Block {
    Entry* entries;      // Owned by History: one for each bit of `held`, in order.
    std::uint64_t held;  // Slots with an entry; its frame is null when the event has gone.
    std::uint64_t live;  // Slots whose event is retained; never 0, but for the newest block's.
    BlockIndex older;
    BlockIndex newer;
  };

  // How many events back the leap of an event leads.
  static std::uint64_t leap_of(std::uint64_t number) { return number & (~number + 1); }

  static std::uint64_t bit(std::uint32_t slot) { return std::uint64_t{1} << slot; }
  static Entry& entry(const Block& block, std::uint32_t slot) {
    const std::uint64_t below = block.held & (bit(slot) - 1);
    const bool all = below == bit(slot) - 1;
    return block.entries[all ? slot : static_cast<std::uint32_t>(std::popcount(below))];
  }
  Entry& slot_of(Position position) {
    return entry(blocks_[position / kBlockEvents], position % kBlockEvents);
  }
  bool newest_used_up() const {
    return newest_ == kNone || blocks_[newest_].held == ~std::uint64_t{0};
  }
  std::size_t room_of(BlockIndex index) const;
  Position first_of(BlockIndex index) const;
  Position leap_from_newest(const Topic& topic) const;
  void place(Entry entry);
  void begin_block(std::uint64_t first_sequence);
  void shrink(BlockIndex index);
  void vacate(BlockIndex index, std::uint64_t last_sequence);

  TopicTable& topics_;
  IndexPool<Block> blocks_;
  std::map<std::uint64_t, BlockIndex> order_;  // By a sequence no greater than any in the block.
  BlockIndex oldest_ = kNone;
  BlockIndex newest_ = kNone;
  std::uint64_t head_ = 0;  // The newest sequence there was.
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
