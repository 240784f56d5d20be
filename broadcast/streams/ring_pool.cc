#include "broadcast/streams/ring_pool.h"

#include <algorithm>
#include <bit>

#include "core/check.h"

namespace crier::broadcast {
namespace {

// Returns how many rings give back their memory together: a multiple of 64, as
// FreeIndices::none_rented requires.
std::size_t release_group(std::uint32_t frames) {
  const std::size_t rings = (std::size_t{64} << 10) / (frames * sizeof(FrameRef));
  return std::max<std::size_t>(64, rings / 64 * 64);
}

}  // namespace

RingPool::RingPool(std::uint32_t frames_max, std::size_t bytes_max) : bytes_max_(bytes_max) {
  CRIER_CHECK(std::has_single_bit(frames_max));
  CRIER_CHECK(frames_max >= kSmallest);
  for (std::uint32_t frames = kSmallest; frames <= frames_max; frames *= 2) {
    const std::size_t rings = std::clamp<std::size_t>(bytes_max / (frames * sizeof(FrameRef)), 1,
                                                      FreeIndices::kCapacityMax);
    classes_.push_back({FreeIndices(rings), ReservedArray<Raw>(rings * frames)});
  }
}

std::size_t RingPool::class_of(std::uint32_t frames) const {
  CRIER_CHECK(std::has_single_bit(frames));
  const auto index = static_cast<std::size_t>(std::countr_zero(frames / kSmallest));
  CRIER_CHECK(index < classes_.size());
  return index;
}

std::span<FrameRef> RingPool::rent(std::uint32_t frames) {
  SizeClass& size_class = classes_[class_of(frames)];
  const std::size_t bytes = frames * sizeof(FrameRef);
  std::size_t& rented = rented_bytes_[frames > kSmallest ? 1 : 0];
  if (rented + bytes > bytes_max_) return {};
  const auto ring = size_class.free.rent();
  if (!ring) return {};
  rented += bytes;
  return {reinterpret_cast<FrameRef*>(&size_class.storage[std::size_t{*ring} * frames]), frames};
}

void RingPool::give_back(std::span<FrameRef> storage) {
  const auto frames = static_cast<std::uint32_t>(storage.size());
  SizeClass& size_class = classes_[class_of(frames)];
  CRIER_CHECK(!storage.front());
  CRIER_CHECK(!storage.back());
  const auto* first = reinterpret_cast<const Raw*>(storage.data());
  const auto ring = static_cast<std::size_t>(first - &size_class.storage[0]) / frames;
  size_class.free.give_back(ring);
  rented_bytes_[frames > kSmallest ? 1 : 0] -= storage.size_bytes();

  const std::size_t group = release_group(frames);
  const std::size_t from = ring / group * group;
  const std::size_t to = std::min(from + group, size_class.free.capacity());
  if (size_class.free.none_rented(from, to)) {
    size_class.storage.discard(from * frames, (to - from) * frames);
  }
}

}  // namespace crier::broadcast
