// A bounded queue from exactly one thread to exactly one other, without locks.
//
// push() never waits: a full queue is the producer's to deal with. Waking the consumer is not its
// job.
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

  // Producer: how many more push() calls are sure to succeed.
  std::size_t room() const {
    return items_.size() -
           (pushed_.load(std::memory_order_relaxed) - popped_.load(std::memory_order_acquire));
  }

  // Producer: false when full; `item` is then untouched.
  [[nodiscard]] bool push(T&& item) {
    if (room() == 0) return false;
    const std::size_t at = pushed_.load(std::memory_order_relaxed);
    items_[at & (items_.size() - 1)] = std::move(item);
    pushed_.store(at + 1, std::memory_order_release);
    return true;
  }

  // Consumer: the oldest item, or nothing.
  std::optional<T> pop() {
    const std::size_t at = popped_.load(std::memory_order_relaxed);
    if (at == pushed_.load(std::memory_order_acquire)) return std::nullopt;
    std::optional<T> item(std::move(items_[at & (items_.size() - 1)]));
    items_[at & (items_.size() - 1)] = T{};  // Whatever a moved-from T still holds goes now.
    popped_.store(at + 1, std::memory_order_release);
    return item;
  }

  // Consumer: is there nothing to pop?
  bool empty() const {
    return popped_.load(std::memory_order_relaxed) == pushed_.load(std::memory_order_acquire);
  }

 private:
  std::vector<T> items_;
  alignas(64) std::atomic<std::size_t> pushed_{0};  // Counts, not positions.
  alignas(64) std::atomic<std::size_t> popped_{0};
};

}  // namespace crier
