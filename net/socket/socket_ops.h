// Operations on a connected socket, which never block. Only this file reads the errno of a
// subscriber's socket.
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

// What the caller does after the write. With `fin` the kernel holds back the last bytes until the
// FIN, which saves a segment.
enum class Then : std::uint8_t { nothing, fin };

// Requires: pieces is not empty and no longer than IOV_MAX; the bytes in all are not 0.
WriteOutcome write_pieces(int fd, std::span<const iovec> pieces, Then then = Then::nothing);

// Reads and drops at most max_bytes. Requires: max_bytes > 0.
DiscardOutcome discard_input(int fd, std::size_t max_bytes);

// Returns nothing if the socket is not TCP or its connection is lost. Makes two system calls.
std::optional<PathReading> read_path(int fd);

// Returns true if the peer has closed both directions or the connection is lost, even with input
// unread. Over TCP a peer that closes looks like one that only stops sending: the result is false.
bool peer_left(int fd);

}  // namespace crier::net
