// The frames that one stream is owed, oldest first, in storage that the ring does not own.
//
// A stream that keeps up has no ring. Its first short write rents storage from the worker's
// RingPool; the write that empties the ring hands the storage back.
//
// push() on a full ring is a bug: ask full() first, then move to larger storage or let the stream
// fall back to the log. A ring never drops a frame by itself. All-zero bytes are a ring without
// storage.
//
// Belongs to one worker.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "core/check.h"
#include "core/frame.h"

namespace crier {

class Ring {
 public:
  Ring() = default;
  // Requires: storage.size() is a power of two, every element is null, and the storage outlives the
  // ring.
  explicit Ring(std::span<FrameRef> storage)
      : storage_(storage.data()),
        capacity_(static_cast<std::uint32_t>(storage.size())),
        pushed_(kFirstCount),
        popped_(kFirstCount) {
    CRIER_CHECK(std::has_single_bit(storage.size()));
  }

  bool empty() const { return pushed_ == popped_; }
  bool full() const { return size() == capacity_; }
  std::uint32_t size() const { return pushed_ - popped_; }
  std::uint32_t capacity() const { return capacity_; }
  std::span<FrameRef> storage() const { return {storage_, capacity_}; }

  // Returns the i-th oldest frame. Requires: i < size().
  const FrameRef& operator[](std::uint32_t i) const {
    CRIER_CHECK(i < size());
    return storage_[slot(popped_ + i)];
  }

  // Requires: !full().
  void push(FrameRef frame) {
    CRIER_CHECK(!full());
    storage_[slot(pushed_)] = std::move(frame);
    ++pushed_;
  }

  // Puts a frame before the oldest one. Requires: !full().
  void push_front(FrameRef frame) {
    CRIER_CHECK(!full());
    --popped_;
    storage_[slot(popped_)] = std::move(frame);
  }

  // Removes and returns the i-th oldest frame. Costs i moves. Requires: i < size().
  FrameRef erase(std::uint32_t i) {
    CRIER_CHECK(i < size());
    FrameRef frame = std::move(storage_[slot(popped_ + i)]);
    for (; i > 0; --i) storage_[slot(popped_ + i)] = std::move(storage_[slot(popped_ + i - 1)]);
    ++popped_;
    return frame;
  }

  // Removes and returns the oldest frame. Requires: !empty().
  FrameRef pop() {
    CRIER_CHECK(!empty());
    FrameRef frame = std::move(storage_[slot(popped_)]);
    ++popped_;
    return frame;
  }

  // Removes and returns the newest frame. Requires: !empty().
  FrameRef pop_newest() {
    CRIER_CHECK(!empty());
    --pushed_;
    return std::move(storage_[slot(pushed_)]);
  }

  // Removes each frame of which keep(i, frame) is false; `frame` is the i-th oldest. Asks from the
  // newest to the oldest, and costs size() moves at most.
  template <typename Keep>
  void keep_if(Keep keep) {
    std::uint32_t oldest_kept = size();
    for (std::uint32_t i = size(); i-- > 0;) {
      FrameRef frame = std::move(storage_[slot(popped_ + i)]);
      if (keep(i, *frame)) storage_[slot(popped_ + --oldest_kept)] = std::move(frame);
    }
    popped_ += oldest_kept;
  }

  // Moves every frame to larger storage. Requires: what the constructor requires of `storage`.
  void move_to(std::span<FrameRef> storage) {
    CRIER_CHECK(storage.size() > size());
    Ring larger(storage);
    while (!empty()) larger.push(pop());
    *this = larger;
  }

 private:
  // The counts begin shortly before they wrap, so that every ring tests the wrap with its fifth
  // frame.
  static constexpr std::uint32_t kFirstCount = ~std::uint32_t{0} - 3;

  std::size_t slot(std::uint32_t count) const { return count & (capacity_ - 1); }

  FrameRef* storage_ = nullptr;
  std::uint32_t capacity_ = 0;
  // Counts, not positions; both wrap freely.
  std::uint32_t pushed_ = 0;
  std::uint32_t popped_ = 0;
};

}  // namespace crier
