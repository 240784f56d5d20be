// How far the events of topics are gone that the log no longer lists.
//
// The table is bounded. When it is full, a new topic replaces an old one, whose loss raises the
// floor. The floor holds for every topic that is neither listed nor in the table. So the log may
// announce a loss that did not happen, but it never hides one that did. A topic that was closed
// stays closed until it leaves the table.
//
// Belongs to the control loop.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "broadcast/log/closed_topics.h"
#include "broadcast/log/hash_index.h"
#include "broadcast/log/remembered.h"

namespace crier::broadcast {

// The newest event that a topic, or a set of topics, has lost.
struct Evicted {
  std::uint64_t through = 0;  // Sequence of the newest event that is gone; 0: none is gone.
  // The number of that eviction among all of the log, counted from 1; History::count_loss() counts
  // in the same numbers.
  std::uint64_t number = 0;

  void raise_to(const Evicted& other) {
    through = std::max(through, other.through);
    number = std::max(number, other.number);
  }
};

class ForgottenTopics {
 public:
  // `closed` must outlive the table, which removes the marks of topics that leave it.
  ForgottenTopics(std::size_t topics_max, ClosedTopics& closed)
      : topics_max_(topics_max), closed_(closed) {}

  std::size_t size() const { return index_.size(); }

  // Adds a topic that is no longer listed. If a closed topic leaves the table for it, `loss` is the
  // number of the loss of that topic's closing event. Requires: evicted.through > 0.
  void add(std::uint64_t topic_hash, const Evicted& evicted, std::uint64_t loss = 0);

  // Removes a topic that is listed again. Does nothing if it is not in the table.
  void remove(std::uint64_t topic_hash);

  // Returns what is known of a topic that is not listed: its own entry, or else the floor.
  // `through` is 0 only if the topic certainly never had an event.
  Evicted find(std::uint64_t topic_hash) const;

  // What is known of a topic that is not in the table.
  const Evicted& floor() const { return floor_; }

  // Puts in what was remembered before a restart, all with the loss of this number, without a bound
  // on the topics. Requires: the table is empty.
  void begin_restore(const Remembered& remembered, std::uint64_t loss);
  // Bounds the table again. Every topic that is in the table, or was never added, may have lost
  // events up to `hole`; through == 0: none has.
  void end_restore(const Evicted& hole, std::size_t topics_max);

  // Calls visit(hash, evicted) for the topics in the next `share` entries. Returns true if there
  // are more. Begin with `walked` 0.
  template <typename Visit>
  bool walk(std::uint64_t& walked, std::uint64_t share, Visit&& visit) const {
    for (; share > 0 && walked < entries_.size(); --share, ++walked) {
      const Entry& entry = entries_[walked];
      if (entry.in_use()) visit(entry.topic_hash, entry.evicted);
    }
    return walked < entries_.size();
  }

  // Returns the newest loss of all topics that were ever added, even of those removed since.
  const Evicted& highest() const { return highest_; }

 private:
  struct Entry {
    std::uint64_t topic_hash = 0;
    Evicted evicted;  // All zero in a vacant entry.
    bool in_use() const { return evicted.through > 0 || evicted.number > 0; }
  };
  // How many entries are compared when one has to leave. The one with the oldest loss leaves,
  // because it raises the floor least.
  static constexpr std::size_t kCompared = 8;

  std::optional<std::uint32_t> index_of(std::uint64_t topic_hash) const;
  std::uint32_t vacant_entry(std::uint64_t loss);
  void leave(std::uint64_t topic_hash, const Evicted& evicted, std::uint64_t loss);

  std::size_t topics_max_;
  ClosedTopics& closed_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> vacant_;
  std::size_t hand_ = 0;  // The entry at which the next comparison begins.
  HashIndex index_;
  Evicted floor_;
  Evicted highest_;
};

}  // namespace crier::broadcast
