// Storage for rings, in size classes that double, within a bound.
//
// A burst that makes every stream rent a ring leaves nothing behind: memory that no ring lives in
// goes back to the system.
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
  static constexpr std::uint32_t kSmallest = 8;  // Frames: one cache line of references.

  // Rings of up to `frames_max` frames (a power of two, at least kSmallest). `bytes_max` bounds the
  // storage of the smallest, and once more that of all others together: however many large rings
  // stalled streams hold, one that falls behind for the first time finds a small one.
  RingPool(std::uint32_t frames_max, std::size_t bytes_max);

  std::uint32_t frames_max() const { return kSmallest << (classes_.size() - 1); }
  std::size_t rented_bytes() const { return rented_bytes_[0] + rented_bytes_[1]; }

  // Storage for exactly `frames` frames, all null; empty when the bound is reached.
  // Requires: frames is a power of two from kSmallest to frames_max().
  std::span<FrameRef> rent(std::uint32_t frames);

  // Requires: `storage` came from rent(), and every element is null again.
  void give_back(std::span<FrameRef> storage);

 private:
  // The bytes of a FrameRef: all zero is a null reference, which is what untouched memory holds.
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
  std::array<std::size_t, 2> rented_bytes_{};  // Of the smallest; of all others.
};

}  // namespace crier::broadcast
