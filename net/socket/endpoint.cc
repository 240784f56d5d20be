#include "net/socket/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "core/check.h"
#include "core/text/decimal.h"

namespace crier::net {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

std::unexpected<Error> refuse(std::string_view text, std::string_view reason) {
  return fail(Errc::invalid_config, "\"" + std::string(text) + "\" " + std::string(reason) +
                                        "; allowed are 127.0.0.1:8080, [::1]:8080, *:8080 and "
                                        "unix:/absolute/path");
}

bool parse_address(int family, std::string_view text, std::array<std::uint8_t, 16>& out) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size()) return false;
  std::ranges::copy(text, terminated.begin());
  return ::inet_pton(family, terminated.data(), out.data()) == 1;
}

Result<Endpoint> parse_unix(std::string_view text) {
  Endpoint endpoint{.family = Endpoint::Family::unix_socket};
  endpoint.path = text.substr(kUnixPrefix.size());
  if (!endpoint.path.starts_with('/')) return refuse(text, "needs an absolute path");
  if (endpoint.path.find('\0') != std::string::npos) return refuse(text, "has a NUL in its path");
  if (endpoint.path.size() >= sizeof(sockaddr_un{}.sun_path)) {
    return refuse(text, "is longer than the 107 bytes a socket's path may have");
  }
  return endpoint;
}

// Copies a socket address of any family.
template <typename Address>
SocketAddress copied(const Address& address) {
  SocketAddress out;
  static_assert(sizeof(address) <= sizeof(out.storage));
  out.size = sizeof(address);
  std::memcpy(&out.storage, &address, sizeof(address));
  return out;
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) return parse_unix(text);

  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refuse(text, "has no port");
  const std::string_view host = text.substr(0, colon);
  const std::optional<std::uint16_t> port = parse_port(text.substr(colon + 1));
  if (!port) return refuse(text, "needs a port from 0 to 65535 after the last colon");

  Endpoint endpoint;
  endpoint.port = *port;
  if (host.empty() || host == "*") {
    endpoint.family = Family::any;
  } else if (host.starts_with('[') && host.ends_with(']')) {
    endpoint.family = Family::ipv6;
    if (!parse_address(AF_INET6, host.substr(1, host.size() - 2), endpoint.address)) {
      return refuse(text, "holds no IPv6 address between the brackets");
    }
  } else if (host.find(':') != std::string_view::npos) {
    return refuse(text, "holds an IPv6 address without brackets");
  } else if (!parse_address(AF_INET, host, endpoint.address)) {
    return refuse(text, "names no IPv4 address");
  }
  return endpoint;
}

std::string Endpoint::text() const {
  std::array<char, INET6_ADDRSTRLEN> host{};
  switch (family) {
    case Family::unix_socket:
      return std::string(kUnixPrefix) + path;
    case Family::any:
      return "*:" + std::to_string(port);
    case Family::ipv4:
      ::inet_ntop(AF_INET, address.data(), host.data(), host.size());
      return std::string(host.data()) + ":" + std::to_string(port);
    case Family::ipv6:
      ::inet_ntop(AF_INET6, address.data(), host.data(), host.size());
      return "[" + std::string(host.data()) + "]:" + std::to_string(port);
  }
  CRIER_CHECK(false);
  return {};
}

SocketAddress socket_address(const Endpoint& endpoint) {
  switch (endpoint.family) {
    case Endpoint::Family::unix_socket: {
      sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
      CRIER_CHECK(endpoint.path.size() < sizeof(address.sun_path));
      std::ranges::copy(endpoint.path, address.sun_path);
      return copied(address);
    }
    case Endpoint::Family::ipv4: {
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(endpoint.port);
      std::memcpy(&address.sin_addr, endpoint.address.data(), sizeof(address.sin_addr));
      return copied(address);
    }
    case Endpoint::Family::any:  // Its address bytes are zero: the wildcard.
    case Endpoint::Family::ipv6: {
      sockaddr_in6 address{};
      address.sin6_family = AF_INET6;
      address.sin6_port = htons(endpoint.port);
      std::memcpy(&address.sin6_addr, endpoint.address.data(), sizeof(address.sin6_addr));
      return copied(address);
    }
  }
  CRIER_CHECK(false);
  return {};
}

}  // namespace crier::net
