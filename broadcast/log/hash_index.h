// A hash table from a 64-bit hash to a 32-bit number, in 8 bytes per slot. It finds rows that
// another table keeps.
//
// Open addressing with linear probing. erase() moves later entries back, so there are no
// tombstones. A slot keeps only the low half of the hash, so the caller confirms each candidate
// against its row. Where a client chooses the names, the hash must use a secret key.
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

  // Returns the number, among those inserted with this hash, for which is_it(number) is true.
  template <typename IsIt>
  std::optional<std::uint32_t> find(std::uint64_t hash, IsIt&& is_it) const {
    const std::uint32_t tag = tag_of(hash);
    for (std::size_t at = tag & mask();; at = (at + 1) & mask()) {
      const Slot& slot = slots_[at];
      if (slot.number_plus_one == 0) return std::nullopt;
      if (slot.tag == tag && is_it(slot.number_plus_one - 1)) return slot.number_plus_one - 1;
    }
  }

  // Requires: the pair is not in the table; number < 2^32 - 1.
  void insert(std::uint64_t hash, std::uint32_t number) {
    if ((size_ + 1) * 4 > slots_.size() * 3) grow();
    place({tag_of(hash), number + 1});
    ++size_;
  }

  // Requires: the pair is in the table.
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
    std::uint32_t number_plus_one = 0;  // 0 in a vacant slot.
  };
  static constexpr std::size_t kSlotsMin = 16;

  static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash); }
  std::size_t mask() const { return slots_.size() - 1; }

  void place(Slot slot) {
    std::size_t at = slot.tag & mask();
    while (slots_[at].number_plus_one != 0) at = (at + 1) & mask();
    slots_[at] = slot;
  }

  // Vacates slot `gap`. Moves back each later entry that a search would no longer reach.
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

  std::vector<Slot> slots_;  // The size is a power of two; at least a quarter is vacant.
  std::size_t size_ = 0;
};

}  // namespace crier::broadcast
