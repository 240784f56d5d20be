// Objects rented by 32-bit index, lowest free index first, in an array that never moves.
//
// Lowest first keeps the rented ones together, so that after a burst the pages at the top are free and
// are given back to the system. A tree of bitmaps, 64 ways wide, finds the lowest free index in one step
// a level. Objects are zero when rented for the first time and after their page was given back; whoever
// rents one sets it up.
//
// Belongs to one thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/check.h"
#include "core/reserved_array.h"

namespace crier {

template <typename T>
class IndexPool {
 public:
  // Requires: 0 < capacity <= 2^24.
  explicit IndexPool(std::size_t capacity) : items_(capacity), capacity_(capacity) {
    CRIER_CHECK(capacity > 0);
    CRIER_CHECK(capacity <= kCapacityMax);
    std::size_t words = capacity;
    for (auto& level : full_) {
      words = (words + 63) / 64;
      level = ReservedArray<std::uint64_t>(words);
    }
  }

  std::size_t capacity() const { return capacity_; }
  std::size_t rented() const { return rented_; }
  // One past the highest index rented at present: where a sweep may stop.
  std::size_t end() const { return end_; }

  // The lowest free index, or nothing when all are rented.
  std::optional<std::uint32_t> rent() {
    if (rented_ == capacity_) return std::nullopt;
    std::size_t word = 0;
    for (std::size_t level = kLevels; level-- > 0;) {
      const auto bit = static_cast<std::size_t>(std::countr_one(full_[level][word]));
      CRIER_CHECK(bit < 64);
      word = word * 64 + bit;
    }
    CRIER_CHECK(word < capacity_);
    mark(word);
    ++rented_;
    if (word >= end_) end_ = word + 1;
    return static_cast<std::uint32_t>(word);
  }

  // Requires: `index` is rented.
  void give_back(std::uint32_t index) {
    CRIER_CHECK(is_rented(index));
    clear(index);
    --rented_;
    while (end_ > 0 && !is_rented(end_ - 1)) step_down();
    release_page_of(index);
  }

  bool is_rented(std::size_t index) const {
    CRIER_CHECK(index < capacity_);
    return ((full_[0][index / 64] >> (index % 64)) & 1U) != 0;
  }

  T& operator[](std::size_t index) { return items_[index]; }
  const T& operator[](std::size_t index) const { return items_[index]; }

 private:
  static constexpr std::size_t kLevels = 4;
  static constexpr std::size_t kCapacityMax = std::size_t{1} << (6 * kLevels);
  // Items that are given back to the system together: whole pages, and at least 64 KiB, so that a stream
  // that comes and goes does not make a system call each time.
  static constexpr std::size_t kReleaseItems = ((std::size_t{64} << 10) / sizeof(T) + 63) / 64 * 64;

  void mark(std::size_t index) {
    for (auto& level : full_) {
      std::uint64_t& word = level[index / 64];
      word |= std::uint64_t{1} << (index % 64);
      if (word != ~std::uint64_t{0}) return;
      index /= 64;
    }
  }

  void clear(std::size_t index) {
    for (auto& level : full_) {
      std::uint64_t& word = level[index / 64];
      const bool was_full = word == ~std::uint64_t{0};
      word &= ~(std::uint64_t{1} << (index % 64));
      if (!was_full) return;
      index /= 64;
    }
  }

  void step_down() {
    // Whole empty words at once: after a burst the end falls by thousands.
    if (end_ % 64 == 0 && full_[0][end_ / 64 - 1] == 0) {
      end_ -= 64;
    } else {
      --end_;
    }
  }

  void release_page_of(std::size_t index) {
    const std::size_t first = index / kReleaseItems * kReleaseItems;
    const std::size_t last = std::min(first + kReleaseItems, capacity_);
    for (std::size_t word = first / 64; word * 64 < last; ++word) {
      if (full_[0][word] != 0) return;
    }
    items_.discard(first, last - first);
  }

  ReservedArray<T> items_;
  std::array<ReservedArray<std::uint64_t>, kLevels> full_;  // [0]: bit set = rented; above: word full.
  std::size_t capacity_;
  std::size_t rented_ = 0;
  std::size_t end_ = 0;
};

}  // namespace crier
