// What became of one write to a subscriber's socket, which never blocks.
#pragma once

#include <cstddef>
#include <cstdint>

namespace crier {

enum class WriteStatus : std::uint8_t {
  all,      // Every byte was taken.
  partial,  // The socket would block; covers "nothing at all".
  gone,     // The peer is lost.
};

struct WriteOutcome {
  WriteStatus status = WriteStatus::partial;
  std::size_t bytes = 0;  // Taken by the kernel; 0 when gone.
  // With `partial`: the kernel was out of memory, so that no writable edge need follow. Try again
  // later.
  bool starved = false;
};

}  // namespace crier
