// Rents out the indices 0 … capacity-1, the lowest free one first.
//
// Renting the lowest index keeps the rented ones together, so that the memory at the top can be
// given back after a burst. A tree of bitmaps, 64 ways wide, finds the lowest free index in one
// step per level. The bitmaps' own memory is touched only around indices that were rented.
//
// Belongs to one thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/check.h"
#include "core/reserved_array.h"

namespace crier {

class FreeIndices {
 public:
  static constexpr std::size_t kCapacityMax = std::size_t{1} << 24;

  // Requires: 0 < capacity <= kCapacityMax.
  explicit FreeIndices(std::size_t capacity) : capacity_(capacity) {
    CRIER_CHECK(capacity > 0);
    CRIER_CHECK(capacity <= kCapacityMax);
    std::array<std::size_t, kLevels> words{};
    std::size_t rest = capacity;
    for (std::size_t& level : words) level = rest = (rest + 63) / 64;
    std::size_t all = 0;
    for (std::size_t level = kLevels; level-- > 0; all += words[level]) first_[level] = all;
    full_ = ReservedArray<std::uint64_t>(all);
  }

  std::size_t capacity() const { return capacity_; }
  std::size_t rented() const { return rented_; }
  // Returns one past the highest rented index, where a sweep may stop.
  std::size_t end() const { return end_; }

  // Rents the lowest free index. Returns nothing if all are rented.
  std::optional<std::uint32_t> rent() {
    if (rented_ == capacity_) return std::nullopt;
    std::size_t index = 0;
    for (std::size_t level = kLevels; level-- > 0;) {
      const auto bit = static_cast<std::size_t>(std::countr_one(full_[first_[level] + index]));
      CRIER_CHECK(bit < 64);
      index = index * 64 + bit;
    }
    CRIER_CHECK(index < capacity_);
    mark(index);
    ++rented_;
    if (index >= end_) end_ = index + 1;
    return static_cast<std::uint32_t>(index);
  }

  // Frees the index. Requires: `index` is rented.
  void give_back(std::size_t index) {
    CRIER_CHECK(is_rented(index));
    clear(index);
    --rented_;
    while (end_ > 0 && !is_rented(end_ - 1)) step_down();
  }

  bool is_rented(std::size_t index) const {
    CRIER_CHECK(index < capacity_);
    return ((full_[first_[0] + index / 64] >> (index % 64)) & 1U) != 0;
  }

  // Returns true if no index in [first, last) is rented. Whole groups of 64 are looked at.
  // Requires: `first` is a multiple of 64.
  bool none_rented(std::size_t first, std::size_t last) const {
    CRIER_CHECK(first % 64 == 0);
    for (std::size_t word = first / 64; word * 64 < last; ++word) {
      if (full_[first_[0] + word] != 0) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t kLevels = 4;

  void mark(std::size_t index) {
    for (const std::size_t first : first_) {
      std::uint64_t& word = full_[first + index / 64];
      word |= std::uint64_t{1} << (index % 64);
      if (word != ~std::uint64_t{0}) return;
      index /= 64;
    }
  }

  void clear(std::size_t index) {
    for (const std::size_t first : first_) {
      std::uint64_t& word = full_[first + index / 64];
      const bool was_full = word == ~std::uint64_t{0};
      word &= ~(std::uint64_t{1} << (index % 64));
      if (!was_full) return;
      index /= 64;
    }
  }

  void step_down() {
    // Skips a whole empty word at once: after a burst the end falls by thousands.
    if (end_ % 64 == 0 && full_[first_[0] + end_ / 64 - 1] == 0) {
      end_ -= 64;
    } else {
      --end_;
    }
  }

  // All levels in one array, the smallest level first, so that the few upper words share a page. In
  // level 0 a set bit means: rented. In a higher level it means: the word below is full.
  ReservedArray<std::uint64_t> full_;
  std::array<std::size_t, kLevels> first_{};  // Where each level begins in full_.
  std::size_t capacity_;
  std::size_t rented_ = 0;
  std::size_t end_ = 0;
};

}  // namespace crier
