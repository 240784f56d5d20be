// Sockets that another process opened and handed to this one.
//
// Any thread that shares the descriptor's table.
#pragma once

#include <cstdint>

#include "core/result.h"

namespace crier::net {

enum class SocketKind : std::uint8_t { tcp, unix_stream, other };

// `other` for what is no socket at all, too.
SocketKind socket_kind(int fd);

// Non-blocking and close-on-exec, as our own are. Errors: os.
Result<void> prepare_handed_in(int fd);

}  // namespace crier::net
