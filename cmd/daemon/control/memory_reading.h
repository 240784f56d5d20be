// What the daemon's memory is made of, and how short it is. Metrics read it; MemoryWatch writes it.
//
// Belongs to the control loop.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string_view>

#include "core/memory_pressure.h"
#include "core/names.h"

namespace crier::cmd {

// The parts of the account. The first five are crier's own figures, the last two the kernel's.
enum class MemoryPart : std::uint8_t {
  streams,
  rings,
  history,
  owed_frames,  // Frames in memory that the history does not hold.
  requests,
  other,    // Anonymous memory that none of these parts explains, the allocator's own included.
  sockets,  // The kernel's buffers.
};
constexpr std::array<std::string_view, 7> names_of(MemoryPart /*selects*/) {
  return {"streams", "rings", "history", "owed_frames", "requests", "other", "sockets"};
}

class MemoryReading {
 public:
  void set(MemoryPart part, std::uint64_t bytes) { bytes_[static_cast<std::size_t>(part)] = bytes; }
  std::uint64_t of(MemoryPart part) const { return bytes_[static_cast<std::size_t>(part)]; }
  // Sets `other`: what is more in `bytes` than crier's own figures explain.
  void set_anonymous(std::uint64_t bytes) {
    set(MemoryPart::other, 0);
    const std::uint64_t own = used() - of(MemoryPart::sockets);
    set(MemoryPart::other, bytes > own ? bytes - own : 0);
  }
  std::uint64_t used() const {
    return std::accumulate(bytes_.begin(), bytes_.end(), std::uint64_t{0});
  }
  MemoryPart largest() const {
    return static_cast<MemoryPart>(std::ranges::max_element(bytes_) - bytes_.begin());
  }

  std::uint64_t limit = 0;  // limits.memory_max in bytes; 0: none.
  MemoryStage stage = MemoryStage::ok;

 private:
  std::array<std::uint64_t, kNamesOf<MemoryPart>.size()> bytes_{};
};

}  // namespace crier::cmd
