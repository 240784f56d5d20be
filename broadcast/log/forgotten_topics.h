// What the log still knows of topics it no longer lists: up to where their events are gone.
//
// Bounded: the oldest entry makes room for a new one and raises the floor, which holds for every
// topic that is neither listed nor here. So a loss may be announced that was none, but none is kept
// silent.
//
// Belongs to the control loop.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "broadcast/log/hash_index.h"

namespace crier::broadcast {

// How far a topic's history has moved on.
struct Evicted {
  std::uint64_t through = 0;  // Sequence of the newest event that is gone; 0: none is.
  std::uint64_t number = 0;   // Which of the log's evictions that was, counted from 1.

  void raise_to(const Evicted& other) {
    through = std::max(through, other.through);
    number = std::max(number, other.number);
  }
};

class ForgottenTopics {
 public:
  explicit ForgottenTopics(std::size_t topics_max) : topics_max_(topics_max) {}

  std::size_t size() const { return index_.size(); }

  // Requires: evicted.through > 0.
  void add(std::uint64_t topic_hash, const Evicted& evicted);

  // Removes a topic that is listed again, if it is here.
  void remove(std::uint64_t topic_hash);

  // What is known of a topic that is not listed: its own entry, else the floor. `through` is 0 only
  // when it surely never had an event.
  Evicted find(std::uint64_t topic_hash) const;

  // Covers every topic that was ever added, whatever became of it.
  const Evicted& highest() const { return highest_; }

 private:
  struct Entry {
    std::uint64_t topic_hash = 0;
    Evicted evicted;  // through == 0: vacant.
  };
  // How many are compared when one has to leave: the one with the oldest loss raises the floor
  // least.
  static constexpr std::size_t kCompared = 8;

  std::optional<std::uint32_t> index_of(std::uint64_t topic_hash) const;
  std::uint32_t vacant_entry();

  std::size_t topics_max_;
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> vacant_;
  std::size_t hand_ = 0;  // Where the next comparison begins.
  HashIndex index_;
  Evicted floor_;
  Evicted highest_;
};

}  // namespace crier::broadcast
