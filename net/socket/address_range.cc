#include "net/socket/address_range.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

#include "core/text/decimal.h"
#include "net/socket/peer_address.h"

namespace crier::net {
namespace {

constexpr unsigned kBitsOfV4 = 32;
constexpr unsigned kBitsOfV6 = 128;

}  // namespace

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string host(text.substr(0, slash));
  sockaddr_storage address{};
  sockaddr_in in{.sin_family = AF_INET};
  sockaddr_in6 in6{.sin6_family = AF_INET6};
  unsigned bits = kBitsOfV4;
  if (::inet_pton(AF_INET, host.c_str(), &in.sin_addr) == 1) {
    std::memcpy(&address, &in, sizeof(in));
  } else if (::inet_pton(AF_INET6, host.c_str(), &in6.sin6_addr) == 1) {
    std::memcpy(&address, &in6, sizeof(in6));
    bits = kBitsOfV6;
  } else {
    return std::nullopt;
  }
  if (host.find('\0') != std::string::npos) return std::nullopt;  // Or c_str() is not all of it.

  AddressRange range;
  range.base_ = peer_address(address);
  range.bits_ = bits;
  range.text_ = text;
  if (slash != std::string_view::npos) {
    const auto given = parse_decimal<unsigned>(text.substr(slash + 1));
    if (!given || *given > bits) return std::nullopt;
    range.bits_ = *given;
  }
  if (bits == kBitsOfV6 && !range.base_.v6) {  // A mapped one.
    if (range.bits_ < kBitsOfV6 - kBitsOfV4) return std::nullopt;
    range.bits_ -= kBitsOfV6 - kBitsOfV4;
  }
  return range;
}

bool AddressRange::contains(const PeerAddress& peer) const {
  if (peer.v6 != base_.v6) return false;
  const unsigned whole = bits_ / 8;
  const unsigned rest = bits_ % 8;
  if (std::memcmp(peer.bytes.data(), base_.bytes.data(), whole) != 0) return false;
  return rest == 0 || (peer.bytes[whole] ^ base_.bytes[whole]) >> (8 - rest) == 0;
}

}  // namespace crier::net
