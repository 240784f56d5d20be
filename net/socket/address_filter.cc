#include "net/socket/address_filter.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string_view>

#include "net/socket/fd.h"
#include "net/socket/peer_address.h"

namespace crier::net {
namespace {

constexpr std::uint16_t kDiscard = 9;  // The discard service: usually no program listens.

Fd datagram_socket(int family) {
  return Fd(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

// The source address of packets from this host to `elsewhere`. Sends nothing.
std::optional<Endpoint> own_address(std::string_view elsewhere) {
  const SocketAddress remote = socket_address(Endpoint::parse(elsewhere).value());
  const Fd fd = datagram_socket(remote.get()->sa_family);
  if (!fd || ::connect(fd.get(), remote.get(), remote.size) != 0) return std::nullopt;
  const PeerAddress local = local_address(fd.get());
  return Endpoint{.family = local.v6 ? Endpoint::Family::ipv6 : Endpoint::Family::ipv4,
                  .address = local.bytes};
}

std::optional<Endpoint> reached_at(const Endpoint& endpoint) {
  constexpr const char* kElsewhere = "192.0.2.1:9";       // Addresses for documentation, RFC 5737
  constexpr const char* kElsewhere6 = "[2001:db8::1]:9";  // and RFC 3849.
  const bool wildcard = std::ranges::all_of(endpoint.address, [](auto byte) { return byte == 0; });
  if (!wildcard) return endpoint;
  std::optional<Endpoint> own;
  if (endpoint.family != Endpoint::Family::ipv6) own = own_address(kElsewhere);
  if (!own && endpoint.family != Endpoint::Family::ipv4) own = own_address(kElsewhere6);
  return own;
}

}  // namespace

std::string filtered_address(const Endpoint& endpoint) {
  if (endpoint.family == Endpoint::Family::unix_socket) return {};
  std::optional<Endpoint> own = reached_at(endpoint);
  if (!own) return {};
  own->port = kDiscard;
  const SocketAddress address = socket_address(*own);
  const Fd fd = datagram_socket(address.get()->sa_family);
  if (!fd || ::sendto(fd.get(), nullptr, 0, MSG_NOSIGNAL, address.get(), address.size) == 0 ||
      errno != EPERM) {
    return {};
  }
  const std::string text = own->text();
  return text.substr(0, text.rfind(':'));
}

}  // namespace crier::net
