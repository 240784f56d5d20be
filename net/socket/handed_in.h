// Sockets that another process opened and handed to this one.
//
// Any thread that shares the descriptor's table.
#pragma once

#include <cstdint>

#include "core/result.h"

namespace crier::net {

enum class SocketKind : std::uint8_t { tcp, unix_stream, other };

// Returns `other` also for a descriptor that is not a socket.
SocketKind socket_kind(int fd);

// Makes the descriptor non-blocking and close-on-exec, like those that crier opens. Errors: os.
Result<void> prepare_handed_in(int fd);

}  // namespace crier::net
