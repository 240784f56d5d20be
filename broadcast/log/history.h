// The history: the events that the log retains, in sequence order, with a chain of each topic's
// events.
//
//   block            | 101  102   -  104 | 105   -    -    -  | 109  110           |
//   topic            |  A    B         A |  B                 |  A    B            |
//                       '--------------^----------------------^  next / previous of A
//
// A topic always loses its oldest event first, so events also leave from the middle of the history.
// An event keeps its block and its slot there, and so its position, until it is evicted. When a
// block has lost half of its entries, the rest is copied into a smaller array, except in the oldest
// block, which is usually about to be empty; an empty block is given back. So no call moves more
// than half a block, and the memory is at most that of twice the retained events and two blocks. A
// topic with rare events costs only these, however many others came in between.
//
// To search a chain without walking it, each event also has a leap: a link back over as many events
// of its topic as the lowest set bit of its own number says:
//
//   number  1    2    3    4    5    6    7    8
//   leap to 0    0    2    0    4    4    6    0     0: before the first
//
// Belongs to the control loop.
#pragma once

#include <algorithm>
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
  using Position = std::uint32_t;  // A block and a slot in it. Positions are not ordered.
  static constexpr std::uint32_t kBlockEvents = 64;

  struct Entry {
    FrameRef frame;
    std::uint64_t sequence = 0;
    TopicRow topic = 0;
    // Neighbours in the topic's chain. The first event has no previous one and the last no next
    // one; Topic::oldest and Topic::newest tell which these are.
    Position next = 0;
    Position previous = 0;
    Position leap = 0;  // Valid while the event that it leads to is retained.
  };

  // `topics` must outlive it. Requires: 0 < blocks_max <= FreeIndices::kCapacityMax.
  explicit History(TopicTable& topics, std::size_t blocks_max = FreeIndices::kCapacityMax)
      : topics_(topics), blocks_(blocks_max) {}
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // Returns true if no event can be added, because all of blocks_max blocks are in use. That takes
  // a billion events, or fewer if most blocks hold few. Evicting the oldest events makes room,
  // after at most 64 of them.
  bool full() const;

  // The memory that an event takes: its frame, the allocator's overhead (up to 23 bytes), its
  // entry, and its part of a full block.
  static constexpr std::size_t kEventBytes = 64;
  static std::size_t memory_of(const Frame& frame) { return frame.memory_bytes() + kEventBytes; }

  std::uint64_t events() const { return events_; }
  std::uint64_t bytes() const { return bytes_; }  // Sum of memory_of() of all events.
  std::uint64_t frame_bytes() const { return bytes_ - events_ * kEventBytes; }
  // Returns the newest event of any topic that is gone, and how many are gone.
  const Evicted& evicted() const { return evicted_; }

  // Adds the newest event of a listed topic and counts it in Topic::published. Requires: !full();
  // the frame's sequence is greater than all before.
  void push(TopicRow row, const FrameRef& frame);

  // Counts a loss that is not an eviction: of a closing event that was evicted before, and that
  // replays could make again until now. Returns its number.
  std::uint64_t count_loss() { return ++evicted_.number; }

  // Counts the loss of events that are not in the history. The newest of them is `through`.
  Evicted lose_through(std::uint64_t through) {
    evicted_.raise_to({through, evicted_.number + 1});
    return {through, evicted_.number};
  }
  // The same if the lost events may lie between the retained ones of a topic, or after them.
  Evicted lose_anywhere(std::uint64_t through) {
    hole_ = std::max(hole_, through);
    return lose_through(through);
  }
  // A topic that has lost an event up to this one may retain older ones. A topic that has lost a
  // newer event does not.
  std::uint64_t hole() const { return hole_; }

  // Evicts the oldest event of a topic. Requires: the topic has one.
  void evict_oldest_of(TopicRow row);

  // Returns the topic of the oldest event. Requires: events() > 0.
  TopicRow oldest_topic() const { return at(front()).topic; }

  // Reading: a position is valid until its event is evicted.

  // Returns the oldest event of all, or end() if no event is retained.
  Position front() const { return oldest_ == kNone ? end() : first_of(oldest_); }
  Position end() const { return ~Position{0}; }
  // Returns the next event of any topic, or end(). Requires: position is not end().
  Position after(Position position) const;
  const Entry& at(Position position) const {
    return entry(blocks_[position / kBlockEvents], position % kBlockEvents);
  }

  // Returns the first event whose sequence is greater, or end() if no event has a greater one.
  Position first_after(std::uint64_t sequence) const;

  // Returns the oldest event of the topic for which `wanted(number, sequence)` is true. The newest
  // event has the number topic.published. Requires: topic.events > 0; `wanted` is true of the
  // newest event, and of every event after one of which it is true. Calls `wanted` at most
  // log2(events) squared times.
  template <typename Wanted>
  Position oldest_wanted(const Topic& topic, Wanted wanted) const;

  // For checks, O(events): returns true if the topic's chain has as many events and bytes as the
  // topic counts, in order and linked both ways.
  bool chained(TopicRow row) const;
  // For checks, O(blocks): returns for how many entries memory is held.
  std::size_t room() const;

 private:
  using BlockIndex = std::uint32_t;
  static constexpr BlockIndex kNone = ~BlockIndex{0};

  // A run of events. Only the newest block has memory for all of its slots.
  struct Block {
    Entry* entries;      // Owned by History: one entry for each bit of `held`, in order.
    std::uint64_t held;  // Slots with an entry; its frame is null if the event is gone.
    std::uint64_t live;  // Slots whose event is retained; never 0, except in the newest block.
    BlockIndex older;
    BlockIndex newer;
    std::uint8_t room;    // Entries that `entries` has memory for.
    std::uint8_t events;  // Bits of `live`.
  };

  // Returns over how many events of its topic the leap of an event leads.
  static std::uint64_t leap_of(std::uint64_t number) { return number & (~number + 1); }

  static std::uint64_t bit(std::uint32_t slot) { return std::uint64_t{1} << slot; }
  static Entry& entry(const Block& block, std::uint32_t slot) {
    const std::uint64_t below = block.held & (bit(slot) - 1);
    const auto first = static_cast<std::uint32_t>(std::countr_zero(block.held));
    if (below == bit(slot) - bit(first)) return block.entries[slot - first];  // None is missing.
    return block.entries[static_cast<std::uint32_t>(std::popcount(below))];
  }
  Entry& slot_of(Position position) {
    return entry(blocks_[position / kBlockEvents], position % kBlockEvents);
  }
  bool newest_used_up() const {
    return newest_ == kNone || blocks_[newest_].held == ~std::uint64_t{0};
  }
  Position first_of(BlockIndex index) const;
  Position leap_from_newest(const Topic& topic) const;
  void place(Entry entry);
  void begin_block(std::uint64_t first_sequence);
  void shrink(BlockIndex index);
  void vacate(BlockIndex index, std::uint64_t last_sequence);

  TopicTable& topics_;
  IndexPool<Block> blocks_;
  // By a sequence that is not greater than any in the block.
  std::map<std::uint64_t, BlockIndex> order_;
  BlockIndex oldest_ = kNone;
  BlockIndex newest_ = kNone;
  std::uint64_t head_ = 0;  // The newest sequence ever added.
  std::uint64_t events_ = 0;
  std::uint64_t bytes_ = 0;
  Evicted evicted_;
  std::uint64_t hole_ = 0;
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
