// The address to listen at, in the form in which an operator writes it.
//
//   127.0.0.1:8080   one IPv4 address
//   [::1]:8080       one IPv6 address; [::] is IPv6 alone
//   *:8080  :8080    every address, IPv4 and IPv6
//   unix:/run/x.sock a Unix socket, by absolute path
//
// Addresses only, no names: what a daemon listens on must not depend on a resolver. Port 0 lets the
// kernel choose. A value; any thread.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"

namespace crier::net {

struct Endpoint {
  enum class Family : std::uint8_t { ipv4, ipv6, any, unix_socket };

  Family family = Family::ipv4;
  std::array<std::uint8_t, 16> address{};  // IPv4: the first four bytes.
  std::uint16_t port = 0;
  std::string path;  // Only for Family::unix_socket.

  // Fails with Errc::invalid_config and a sentence that quotes `text` and shows what is allowed.
  static Result<Endpoint> parse(std::string_view text);

  // As parse() reads it; "any" prints as "*:8080".
  std::string text() const;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

// For bind(). `any` becomes the IPv6 wildcard. Requires: endpoint.path fits sun_path; parse()
// checks that.
SocketAddress socket_address(const Endpoint& endpoint);

}  // namespace crier::net
