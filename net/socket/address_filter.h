// Finds out whether the kernel drops packets of this process, as systemd's IPAddressDeny= has it
// do. listen() does not show such a filter, and to a client it looks like a slow network.
#pragma once

#include <string>

#include "net/socket/endpoint.h"

namespace crier::net {

// Returns the address of `endpoint` if this process may send nothing to it, otherwise an empty
// string. For a wildcard it tries the address that this host has in the network.
//
// To try an address, which is this host's own, it sends an empty datagram. Never waits. Any thread.
std::string filtered_address(const Endpoint& endpoint);

}  // namespace crier::net
