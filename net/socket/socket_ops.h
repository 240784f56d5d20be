// What crier does with a connected socket, without ever blocking. The one place that reads the
// errno of a subscriber's socket.
//
// Any thread that shares the descriptor's table.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/write_outcome.h"

namespace crier::net {

// Requires: pieces is not empty and no longer than IOV_MAX; the bytes in all are not 0.
WriteOutcome write_pieces(int fd, std::span<const iovec> pieces);

enum class InputEnd : std::uint8_t {
  drained,  // Nothing is left for now; the next bytes make an edge.
  more,     // max_bytes were read; there may be more, and no edge will tell.
  closed,   // The peer has sent FIN.
  error,    // The connection is lost.
};

struct DiscardOutcome {
  InputEnd end = InputEnd::drained;
  std::size_t bytes = 0;
};

// Reads and forgets at most max_bytes. Requires: max_bytes > 0.
DiscardOutcome discard_input(int fd, std::size_t max_bytes);

}  // namespace crier::net
