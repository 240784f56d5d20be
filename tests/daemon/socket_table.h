// What the kernel says of the sockets at the daemon's end, by sock_diag(7): a test cannot ask for
// options of a socket that another process has.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace crier::tests {

struct DaemonSocket {
  std::uint32_t send_buffer_bytes = 0;  // As the kernel counts: twice what was set.
  std::string congestion_control;
  friend bool operator==(const DaemonSocket&, const DaemonSocket&) = default;
};

// The established connections that were accepted on address:port, by the client's port. Nothing:
// this kernel does not tell.
std::optional<std::map<std::uint16_t, DaemonSocket>> accepted_sockets(const std::string& address,
                                                                      std::uint16_t port);

}  // namespace crier::tests
