// Storage for rings, in size classes that double, within a bound on memory.
//
// Memory in which no ring lives goes back to the system, so a burst that makes every stream rent a
// ring leaves nothing behind.
//
// Belongs to one worker.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/frame.h"
#include "core/free_indices.h"
#include "core/reserved_array.h"

namespace crier::broadcast {

class RingPool {
 public:
  static constexpr std::uint32_t kSmallest = 8;  // In frames: one cache line of references.

  // Makes a pool of rings of up to `frames_max` frames, a power of two and at least kSmallest.
  // `bytes_max` bounds the storage of the smallest rings, and separately that of all others
  // together. So a stream that falls behind for the first time gets a small ring, however many
  // large rings stalled streams hold.
  RingPool(std::uint32_t frames_max, std::size_t bytes_max);

  std::uint32_t frames_max() const { return kSmallest << (classes_.size() - 1); }
  std::size_t rented_bytes() const { return rented_bytes_[0] + rented_bytes_[1]; }

  // Rents storage for exactly `frames` frames, all null. Returns an empty span when the bound is
  // reached. Requires: frames is a power of two from kSmallest to frames_max().
  std::span<FrameRef> rent(std::uint32_t frames);

  // Gives storage back. Requires: `storage` came from rent(), and every element is null again.
  void give_back(std::span<FrameRef> storage);

 private:
  // Has the size of a FrameRef. Untouched memory is all zero, which is a null reference.
  struct alignas(FrameRef) Raw {
    std::byte bytes[sizeof(FrameRef)];
  };
  struct SizeClass {
    FreeIndices free;
    ReservedArray<Raw> storage;
  };

  std::size_t class_of(std::uint32_t frames) const;

  std::vector<SizeClass> classes_;
  std::size_t bytes_max_;
  std::array<std::size_t, 2> rented_bytes_{};  // [0]: of the smallest rings; [1]: of all others.
};

}  // namespace crier::broadcast
