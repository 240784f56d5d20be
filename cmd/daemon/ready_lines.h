// What the daemon says once it serves: two commands to paste into a shell on this machine.
//
// Pure functions; any thread.
#pragma once

#include <string>
#include <string_view>

#include "net/socket/endpoint.h"

namespace crier::cmd {

// Where the endpoint stands for every address of the machine, its loopback address is named.
// Requires: the endpoint is TCP.
std::string subscribe_line(const net::Endpoint& http);

// A path that a shell would take apart is quoted; only for one that holds a single quote itself the
// line is no help.
std::string publish_line(std::string_view socket_path);

}  // namespace crier::cmd
