#include "net/socket/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace crier::net {

PeerAddress peer_address(const sockaddr_storage& address) {
  PeerAddress peer;
  if (address.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &address, sizeof(in));
    std::memcpy(peer.bytes.data(), &in.sin_addr, 4);
    peer.port = ntohs(in.sin_port);
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &address, sizeof(in));
    IpAddress ip{.v6 = true};
    std::memcpy(ip.bytes.data(), &in.sin6_addr, 16);
    unmap(ip);
    peer = PeerAddress::of(ip, ntohs(in.sin6_port));
  }
  return peer;
}

PeerAddress local_address(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return peer_address(address);
}

std::optional<PeerAddress> remote_address(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return std::nullopt;
  return peer_address(address);
}

std::array<std::uint8_t, 16> limit_key(const PeerAddress& peer) {
  std::array<std::uint8_t, 16> key{};
  if (peer.v6) {
    std::copy_n(peer.bytes.begin(), 8, key.begin());
  } else {
    std::ranges::copy(kMappedPrefix, key.begin());
    std::copy_n(peer.bytes.begin(), 4, key.begin() + 12);
  }
  return key;
}

std::string to_string(const PeerAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> host{};
  ::inet_ntop(address.v6 ? AF_INET6 : AF_INET, address.bytes.data(), host.data(), host.size());
  if (address.port == 0) return host.data();
  const std::string port = std::to_string(address.port);
  return address.v6 ? "[" + std::string(host.data()) + "]:" + port
                    : std::string(host.data()) + ":" + port;
}

}  // namespace crier::net
