// Addresses of sockets, read from the kernel, and the keys by which limits count them.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "core/instant.h"
#include "core/text/ip_address.h"

namespace crier::net {

// A peer's address; IPv4 mapped into IPv6 is IPv4. Limits count by limit_key().
struct PeerAddress {
  std::array<std::uint8_t, 16> bytes{};
  std::uint16_t port = 0;  // 0: unknown.
  bool v6 = false;

  static PeerAddress of(const IpAddress& address, std::uint16_t port) {
    return {address.bytes, port, address.v6};
  }
  friend bool operator==(const PeerAddress&, const PeerAddress&) = default;
};

// A connection of a subscriber.
struct Accepted {
  int fd = -1;
  PeerAddress peer;
  bool canary = false;  // It was given the options of a canary: see SocketPlan.
  // A proxy named `peer`; the kernel only knows the proxy.
  bool behind_proxy = false;
  bool unnamed = false;  // A PROXY protocol header came, but it named no client.
  // When it was accepted, or when a later request began; 0: unknown. Set for on_request() only.
  Instant since;
};

// Readable, e.g. "203.0.113.7:50312" or "[2001:db8::1]:50312"; "2001:db8::1" if the port is
// unknown.
std::string to_string(const PeerAddress& address);

// Converts the address of a TCP socket. IPv4 mapped into IPv6 becomes IPv4, in the first four
// bytes. An address of any other family becomes all zero.
PeerAddress peer_address(const sockaddr_storage& address);

// The address that the socket is bound to; all zero if it has none.
PeerAddress local_address(int fd);

// The address of the socket's peer; nothing after the peer has reset the connection.
std::optional<PeerAddress> remote_address(int fd);

// The key by which limits count an address: a whole IPv4 address (in its mapped form, so that it
// never equals an IPv6 key), or the /64 of an IPv6 address, because one customer usually has a
// whole /64.
std::array<std::uint8_t, 16> limit_key(const PeerAddress& peer);

}  // namespace crier::net
