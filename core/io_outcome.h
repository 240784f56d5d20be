// What became of a write to a connection, and of its input: net finds it out, broadcast acts on it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace crier {

enum class WriteStatus : std::uint8_t {
  all,      // Every byte was taken.
  partial,  // The connection would block; covers "nothing at all".
  gone,     // The peer is lost.
};

struct WriteOutcome {
  WriteStatus status = WriteStatus::partial;
  std::size_t bytes = 0;  // Taken by the kernel; 0 when gone.
  // With `partial`: the kernel was out of memory, so that no writable edge need follow. Try again
  // later.
  bool starved = false;
};

enum class InputEnd : std::uint8_t {
  drained,  // Nothing is left for now; the next bytes make an edge.
  more,     // As many bytes were read as asked for, or the kernel has no memory to give more.
  closed,   // The peer has sent FIN.
  error,    // The connection is lost.
};

// Input that was read and forgotten.
struct DiscardOutcome {
  InputEnd end = InputEnd::drained;
  std::size_t bytes = 0;
};

}  // namespace crier
