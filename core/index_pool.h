// A pool of objects, rented by 32-bit index, in an array that never moves. Memory in which no
// object is rented goes back to the system.
//
// A rented object is not initialised: it is zero bytes if its memory is fresh, and otherwise holds
// what its last user left. The code that rents it must set it up.
//
// Belongs to one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/free_indices.h"
#include "core/reserved_array.h"

namespace crier {

template <typename T>
class IndexPool {
 public:
  // Requires: 0 < capacity <= FreeIndices::kCapacityMax.
  explicit IndexPool(std::size_t capacity) : indices_(capacity), items_(capacity) {}

  std::size_t capacity() const { return indices_.capacity(); }
  std::size_t rented() const { return indices_.rented(); }
  std::size_t end() const { return indices_.end(); }
  bool is_rented(std::size_t index) const { return indices_.is_rented(index); }

  std::optional<std::uint32_t> rent() { return indices_.rent(); }

  // Requires: `index` is rented.
  void give_back(std::uint32_t index) {
    indices_.give_back(index);
    const std::size_t first = index / kReleaseItems * kReleaseItems;
    const std::size_t last = std::min(first + kReleaseItems, capacity());
    if (indices_.none_rented(first, last)) items_.discard(first, last - first);
  }

  T& operator[](std::size_t index) { return items_[index]; }
  const T& operator[](std::size_t index) const { return items_[index]; }

 private:
  // How many items are given back to the system together: at least 64 KiB, so that a stream that
  // closes costs a system call only if it was the last of so many; and a multiple of 64 items, as
  // FreeIndices::none_rented requires.
  static constexpr std::size_t kReleaseItems = ((std::size_t{64} << 10) / sizeof(T) + 63) / 64 * 64;

  FreeIndices indices_;
  ReservedArray<T> items_;
};

}  // namespace crier
