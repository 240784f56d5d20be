// What the daemon's memory is made of, and how short it is. Metrics read it; MemoryWatch writes it.
//
// Belongs to the control loop.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/memory_pressure.h"
#include "core/names.h"

namespace crier::cmd {

// The parts of the account, and the two figures of the kernel.
enum class MemoryPart : std::uint8_t {
  streams,
  rings,
  history,
  owed_frames,  // Frames in memory that the history does not hold.
  requests,
  anonymous,
  sockets,
};
constexpr std::array<std::string_view, 7> names_of(MemoryPart /*selects*/) {
  return {"streams", "rings", "history", "owed_frames", "requests", "anonymous", "sockets"};
}

class MemoryReading {
 public:
  void set(MemoryPart part, std::uint64_t bytes) { bytes_[static_cast<std::size_t>(part)] = bytes; }
  std::uint64_t of(std::size_t part) const { return bytes_[part]; }
  // The larger of crier's own account and the anonymous memory, plus the memory of sockets.
  std::uint64_t used() const {
    constexpr auto kAnonymous = static_cast<std::size_t>(MemoryPart::anonymous);
    constexpr auto kSockets = static_cast<std::size_t>(MemoryPart::sockets);
    std::uint64_t account = 0;
    for (std::size_t part = 0; part < kAnonymous; ++part) account += bytes_[part];
    return std::max(account, bytes_[kAnonymous]) + bytes_[kSockets];
  }
  // Returns the part with most bytes.
  std::size_t largest() const {
    return static_cast<std::size_t>(std::ranges::max_element(bytes_) - bytes_.begin());
  }

  std::uint64_t limit = 0;  // limits.memory_max in bytes; 0: none.
  MemoryStage stage = MemoryStage::ok;

 private:
  std::array<std::uint64_t, kNamesOf<MemoryPart>.size()> bytes_{};
};

}  // namespace crier::cmd
