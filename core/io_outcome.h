// Results of a connection's input and output. Code in net returns them, code in broadcast acts on
// them. Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace crier {

enum class WriteStatus : std::uint8_t {
  all,      // The kernel took every byte.
  partial,  // The connection would block; the kernel took some bytes or none.
  gone,     // The connection is lost.
};

struct WriteOutcome {
  WriteStatus status = WriteStatus::partial;
  std::size_t bytes = 0;  // Bytes that the kernel took; 0 when gone.
  // With `partial`: the kernel was out of memory. A writable edge need not follow, so the caller
  // must try again later.
  bool starved = false;
};

enum class InputEnd : std::uint8_t {
  drained,  // No input is left for now; the next bytes make an edge.
  // As many bytes were read as the caller asked for, or the kernel has no memory to give more.
  more,
  closed,  // The peer has sent FIN.
  error,   // The connection is lost.
};

// Result of reading input and discarding it.
struct DiscardOutcome {
  InputEnd end = InputEnd::drained;
  std::size_t bytes = 0;
};

// What the kernel knows of the way to a client.
struct PathReading {
  std::uint32_t round_trip_us = 0;  // Smoothed.
  std::uint32_t unsent_bytes = 0;   // That wait in the kernel for the client's window or the link.
};

}  // namespace crier
