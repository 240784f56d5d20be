// Reads IP addresses, and ranges of them.
//
//   192.0.2.7   2001:db8::1   ::ffff:192.0.2.7   10.0.0.0/8   2001:db8::/32
//
// The text forms are those of RFC 4291 2.2, without a zone, and four decimal numbers without
// leading zeros, which some programs read as octal. IPv4 mapped into IPv6 is IPv4. Pure functions;
// any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace crier {

struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};  // IPv4: the first four bytes, then zeros.
  bool v6 = false;
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

// All addresses whose first `bits` bits are those of `base`.
struct IpRange {
  IpAddress base;
  unsigned bits = 0;  // At most 32, of IPv6 at most 128.
};

std::optional<IpAddress> parse_ip_address(std::string_view text);

// Whether the text is an address in the form of IPv4, or in that of IPv6, a mapped one included.
bool is_ipv4(std::string_view text);
bool is_ipv6(std::string_view text);

// An address without a prefix length is the range of this address alone. Bits of `base` beyond the
// prefix may be set. Refuses IPv4 mapped into IPv6 with fewer than 96 bits; no other range of IPv6
// contains IPv4 addresses.
std::optional<IpRange> parse_ip_range(std::string_view text);

// The first bytes of IPv4 mapped into IPv6.
inline constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0,    0,
                                                            0, 0, 0, 0, 0xff, 0xff};
// If `address` is IPv4 mapped into IPv6, makes it IPv4.
void unmap(IpAddress& address);

}  // namespace crier
