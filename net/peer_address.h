// Addresses of sockets: read from the kernel, reduced to what limits count by.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>

#include "net/request_handler.h"

namespace crier::net {

// Of an accepted TCP socket; IPv4 mapped into IPv6 becomes IPv4, in the first four bytes. An
// address of any other family is all zero.
PeerAddress peer_address(const sockaddr_storage& address);

// The same of the address a socket is bound to; all zero if it has none.
PeerAddress local_address(int fd);

// The same of whom a socket is connected to; nothing once the peer has cut the connection.
std::optional<PeerAddress> remote_address(int fd);

// What limits per address count by: IPv4 whole (in its mapped form, so that it never meets an IPv6
// one), IPv6 by its /64, since one customer is given that much.
std::array<std::uint8_t, 16> limit_key(const PeerAddress& peer);

}  // namespace crier::net
