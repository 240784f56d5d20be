// Whether packets of this process are dropped before they leave it: systemd's IPAddressDeny=, which
// neither listen() nor a client can tell from a network that is slow.
#pragma once

#include <string>

#include "net/socket/endpoint.h"

namespace crier::net {

// The address, of those at which `endpoint` is reached, to which this process may send nothing; of
// the wildcard, the address of this host that the network knows. Empty: none is found.
//
// Sends that address, which is this host's own, an empty datagram. Never waits. Any thread.
std::string filtered_address(const Endpoint& endpoint);

}  // namespace crier::net
