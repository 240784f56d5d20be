// The topics that are closed: by a topic's hash, the sequence of the event that closed it.
//
// The log marks a topic when it appends the closing event, and removes the mark when it appends a
// later event of the topic or forgets the topic for good. Workers ask when a stream opens, and when
// a stream was sent a closing event. A worker that has read the log's head finds the mark of every
// closing event up to it.
//
// A mark is in one of two buckets of 8 slots, which its hash chooses, and never moves. When both
// are full, the marks are copied into a table with twice as many buckets. Earlier tables are kept,
// because a reader may still use one. No two closing events have the same sequence, so a reader
// that finds the same sequence before and after it has read a slot has read one mark.
//
// The control loop writes; any thread reads, without a lock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace crier::broadcast {

// How a topic was closed.
struct Closing {
  std::uint64_t sequence = 0;  // Of the closing event; 0: the topic is not closed.
  std::uint64_t before = 0;    // The topic's newest event before it; 0: there was none.
  explicit operator bool() const { return sequence != 0; }
  friend bool operator==(const Closing&, const Closing&) = default;
};

// On a cache line of its own, because control writes what is beside it with each event.
class alignas(64) ClosedTopics {
 public:
  ClosedTopics();

  std::size_t size() const { return size_.load(std::memory_order_relaxed); }
  Closing find(std::uint64_t topic_hash) const;

  // Marks a topic, or changes its mark. Requires: closing.sequence > 0, and no mark ever had it.
  void add(std::uint64_t topic_hash, const Closing& closing);
  // Does nothing if the topic has no mark.
  void remove(std::uint64_t topic_hash);

 private:
  struct Slot {
    std::atomic<std::uint64_t> sequence;  // 0: the slot is free.
    std::atomic<std::uint64_t> hash;
    std::atomic<std::uint64_t> before;
  };
  using Bucket = std::array<Slot, 8>;
  struct Table {
    explicit Table(std::size_t buckets)
        : mask(buckets - 1), all(std::make_unique<Bucket[]>(buckets)) {}
    std::array<Bucket*, 2> buckets_of(std::uint64_t hash) const {
      return {&all[hash & mask], &all[(hash >> 32) & mask]};
    }
    bool place(std::uint64_t hash, const Closing& closing);

    std::size_t mask;  // The number of buckets, a power of two, less one.
    std::unique_ptr<Bucket[]> all;
  };

  void grow();

  std::vector<std::unique_ptr<Table>> tables_;  // The last one is in use.
  std::atomic<const Table*> table_;
  std::atomic<std::size_t> size_{0};
};

}  // namespace crier::broadcast
