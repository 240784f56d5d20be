// Request heads that must be refused, with the status each must get. Used on the reader alone and,
// over real sockets, on the daemon.
//
// Every row has one fault only: without it the head would be served.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace crier::net {

struct HostileHead {
  std::string_view name;
  std::string bytes;
  int status;
};

// On the subscriber port, whose requests have no bodies.
std::vector<HostileHead> hostile_heads();

// On the publish socket, which takes bodies. It also refuses every head of hostile_heads() with a
// fault of syntax.
std::vector<HostileHead> hostile_publish_heads();

}  // namespace crier::net
