// A range of addresses: one address, or all that begin with the same bits.
//
//   192.0.2.7   10.0.0.0/8   2001:db8::1   2001:db8::/32
//
// An IPv4 address that is mapped into IPv6 counts as IPv4, as in PeerAddress. A value; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/socket/peer_address.h"

namespace crier::net {

class AddressRange {
 public:
  // Returns nullopt for other texts. Bits beyond the prefix do not matter.
  static std::optional<AddressRange> parse(std::string_view text);

  bool contains(const PeerAddress& peer) const;
  // As it was given to parse().
  const std::string& text() const { return text_; }

 private:
  IpRange range_;
  std::string text_;
};

}  // namespace crier::net
