#include "cmd/daemon/ready_lines.h"

#include <algorithm>

#include "core/check.h"

namespace crier::cmd {
namespace {

using Family = net::Endpoint::Family;

std::string reachable(net::Endpoint endpoint) {
  const bool every = std::ranges::all_of(endpoint.address, [](auto byte) { return byte == 0; });
  if (endpoint.family == Family::any || every) {
    const std::string_view loopback = endpoint.family == Family::ipv6 ? "[::1]:" : "127.0.0.1:";
    return std::string(loopback) + std::to_string(endpoint.port);
  }
  return endpoint.text();
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("/._-+:,@%").contains(c);
}

}  // namespace

std::string subscribe_line(const net::Endpoint& http) {
  CRIER_CHECK(http.family != Family::unix_socket);
  return "curl -N 'http://" + reachable(http) + "/events?topic=demo'";
}

std::string publish_line(std::string_view socket_path) {
  const std::string quote = std::ranges::all_of(socket_path, is_plain) ? "" : "'";
  return "curl --unix-socket " + quote + std::string(socket_path) + quote +
         " -d 'hello' http://crier/topics/demo";
}

}  // namespace crier::cmd
