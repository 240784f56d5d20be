// What crier does with a connected socket, without ever blocking. The one place that reads the
// errno of a subscriber's socket.
//
// Any thread that shares the descriptor's table.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace crier::net {

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

// Has the peer closed both directions, or is the connection lost? On TCP a peer that closes is not
// told from one that only stops sending: false. Unread input does not hide it.
bool peer_left(int fd);

}  // namespace crier::net
