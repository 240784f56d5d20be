// From a 64-bit hash to a 32-bit number, in 8 bytes a slot: the lookup of a table that keeps its
// rows elsewhere.
//
// Open addressing with linear probing; erase() shifts back, so there are no tombstones. A slot
// keeps the hash's low half: the caller confirms a candidate against its row. Hash with a secret
// key where a peer chooses the names.
//
// Belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/check.h"

namespace crier::broadcast {

class HashIndex {
 public:
  HashIndex() : slots_(kSlotsMin) {}

  std::size_t size() const { return size_; }

  // The number for which is_it(number) holds among those inserted with this hash.
  template <typename IsIt>
  std::optional<std::uint32_t> find(std::uint64_t hash, IsIt&& is_it) const {
    const std::uint32_t tag = tag_of(hash);
    for (std::size_t at = tag & mask();; at = (at + 1) & mask()) {
      const Slot& slot = slots_[at];
      if (slot.number_plus_one == 0) return std::nullopt;
      if (slot.tag == tag && is_it(slot.number_plus_one - 1)) return slot.number_plus_one - 1;
    }
  }

  // Requires: the pair is not in it, number < 2^32 - 1.
  void insert(std::uint64_t hash, std::uint32_t number) {
    if ((size_ + 1) * 4 > slots_.size() * 3) grow();
    place({tag_of(hash), number + 1});
    ++size_;
  }

  // Requires: the pair is in it.
  void erase(std::uint64_t hash, std::uint32_t number) {
    const std::uint32_t tag = tag_of(hash);
    std::size_t at = tag & mask();
    while (slots_[at].number_plus_one != number + 1) {
      CRIER_CHECK(slots_[at].number_plus_one != 0);
      at = (at + 1) & mask();
    }
    close_gap(at);
    --size_;
  }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t number_plus_one = 0;  // 0: vacant.
  };
  static constexpr std::size_t kSlotsMin = 16;

  static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash); }
  std::size_t mask() const { return slots_.size() - 1; }

  void place(Slot slot) {
    std::size_t at = slot.tag & mask();
    while (slots_[at].number_plus_one != 0) at = (at + 1) & mask();
    slots_[at] = slot;
  }

  // Vacates slot `gap`, moving up those behind it that would no longer be found.
  void close_gap(std::size_t gap) {
    for (std::size_t at = (gap + 1) & mask(); slots_[at].number_plus_one != 0;
         at = (at + 1) & mask()) {
      const std::size_t home = slots_[at].tag & mask();
      const std::size_t distance_home = (at - home) & mask();
      const std::size_t distance_gap = (at - gap) & mask();
      if (distance_home < distance_gap) continue;
      slots_[gap] = slots_[at];
      gap = at;
    }
    slots_[gap] = Slot{};
  }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.number_plus_one != 0) place(slot);
    }
  }

  std::vector<Slot> slots_;  // A power of two of them, a quarter vacant.
  std::size_t size_ = 0;
};

}  // namespace crier::broadcast
