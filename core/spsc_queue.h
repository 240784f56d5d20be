// A bounded queue without locks, from exactly one producer thread to exactly one consumer thread.
//
// push() never waits: the producer decides what to do when the queue is full. The queue does not
// wake the consumer; the producer does.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "core/check.h"

namespace crier {

template <typename T>
class SpscQueue {
 public:
  // Requires: capacity is a power of two.
  explicit SpscQueue(std::size_t capacity) : items_(capacity) {
    CRIER_CHECK(std::has_single_bit(capacity));
  }

  std::size_t capacity() const { return items_.size(); }

  // Producer only. Returns how many further push() calls are sure to succeed.
  std::size_t room() const {
    return items_.size() -
           (pushed_.load(std::memory_order_relaxed) - popped_.load(std::memory_order_acquire));
  }

  // Producer only. Returns false when the queue is full; `item` is then unchanged.
  [[nodiscard]] bool push(T&& item) {
    if (room() == 0) return false;
    const std::size_t at = pushed_.load(std::memory_order_relaxed);
    items_[at & (items_.size() - 1)] = std::move(item);
    pushed_.store(at + 1, std::memory_order_release);
    return true;
  }

  // Consumer only. Removes and returns the oldest item, or returns nothing.
  std::optional<T> pop() {
    const std::size_t at = popped_.load(std::memory_order_relaxed);
    if (at == pushed_.load(std::memory_order_acquire)) return std::nullopt;
    std::optional<T> item(std::move(items_[at & (items_.size() - 1)]));
    items_[at & (items_.size() - 1)] = T{};  // Frees what a moved-from T still holds.
    popped_.store(at + 1, std::memory_order_release);
    return item;
  }

  // Consumer only. Returns true if there is nothing to pop.
  bool empty() const {
    return popped_.load(std::memory_order_relaxed) == pushed_.load(std::memory_order_acquire);
  }

 private:
  std::vector<T> items_;
  alignas(64) std::atomic<std::size_t> pushed_{0};  // Counts, not positions.
  alignas(64) std::atomic<std::size_t> popped_{0};
};

}  // namespace crier
