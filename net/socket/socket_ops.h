// What crier does with a connected socket, without ever blocking. The one place that reads the
// errno of a subscriber's socket.
//
// Any thread that shares the descriptor's table.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "core/io_outcome.h"

namespace crier::net {

// What the caller does once all bytes are written. Before a FIN the last of them wait for it: one
// segment less to send, to receive and to acknowledge.
enum class Then : std::uint8_t { nothing, fin };

// Requires: pieces is not empty and no longer than IOV_MAX; the bytes in all are not 0.
WriteOutcome write_pieces(int fd, std::span<const iovec> pieces, Then then = Then::nothing);

// Reads and forgets at most max_bytes. Requires: max_bytes > 0.
DiscardOutcome discard_input(int fd, std::size_t max_bytes);

// Two system calls. Nothing if the socket is not TCP, or its connection is lost.
std::optional<PathReading> read_path(int fd);

// Has the peer closed both directions, or is the connection lost? On TCP a peer that closes is not
// told from one that only stops sending: false. Unread input does not hide it.
bool peer_left(int fd);

}  // namespace crier::net
