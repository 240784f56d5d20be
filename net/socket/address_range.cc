#include "net/socket/address_range.h"

#include <cstring>

namespace crier::net {

std::optional<AddressRange> AddressRange::parse(std::string_view text) {
  const auto parsed = parse_ip_range(text);
  if (!parsed) return std::nullopt;
  AddressRange range;
  range.range_ = *parsed;
  range.text_ = text;
  return range;
}

bool AddressRange::contains(const PeerAddress& peer) const {
  const IpAddress& base = range_.base;
  if (peer.v6 != base.v6) return false;
  const unsigned whole = range_.bits / 8;
  const unsigned rest = range_.bits % 8;
  if (std::memcmp(peer.bytes.data(), base.bytes.data(), whole) != 0) return false;
  return rest == 0 || (peer.bytes[whole] ^ base.bytes[whole]) >> (8 - rest) == 0;
}

}  // namespace crier::net
