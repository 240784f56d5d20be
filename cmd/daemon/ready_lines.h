// Two commands to paste into a shell on this machine, which the daemon logs once it serves.
//
// Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include "net/socket/endpoint.h"

namespace crier::cmd {

// Names the loopback address if the endpoint is a wildcard. Requires: the endpoint is TCP.
std::string subscribe_line(const net::Endpoint& http);

// Quotes a path that a shell would split. The line is wrong for a path with a single quote in it.
std::string publish_line(std::string_view socket_path);

}  // namespace crier::cmd
