#include "core/text/ip_address.h"

#include <algorithm>
#include <cstddef>
#include <span>

#include "core/text/decimal.h"

namespace crier {
namespace {

constexpr std::size_t kGroups = 8;  // Of an IPv6 address, two bytes each.
constexpr unsigned kBitsOfV4 = 32;
constexpr unsigned kBitsOfV6 = 128;

bool parse_v4(std::string_view text, std::span<std::uint8_t, 4> bytes) {
  for (std::size_t part = 0; part < bytes.size(); ++part) {
    const std::size_t dot = part + 1 < bytes.size() ? text.find('.') : text.size();
    if (dot > 3) return false;  // Also true for npos: there is no dot.
    const auto number = parse_decimal<std::uint8_t>(text.substr(0, dot));
    if (!number || (dot > 1 && text.front() == '0')) return false;
    bytes[part] = *number;
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return true;
}

std::optional<unsigned> parse_group(std::string_view text) {
  if (text.empty() || text.size() > 4) return std::nullopt;
  unsigned value = 0;
  for (const char byte : text) {
    const int digit = hex_digit(byte);
    if (digit < 0) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(digit);
  }
  return value;
}

bool parse_v6(std::string_view text, std::array<std::uint8_t, 16>& bytes) {
  std::size_t filled = 0;  // Bytes.
  std::optional<std::size_t> gap;
  if (text.starts_with("::")) {
    gap = 0;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    const std::string_view group = text.substr(0, text.find(':'));
    text.remove_prefix(group.size());
    if (group.find('.') != std::string_view::npos) {  // IPv4 as the last four bytes.
      if (!text.empty() || filled + 4 > bytes.size()) return false;
      if (!parse_v4(group, std::span(bytes).subspan(filled).first<4>())) return false;
      filled += 4;
      break;
    }
    const auto value = parse_group(group);
    if (!value || filled == kGroups * 2) return false;
    bytes[filled++] = static_cast<std::uint8_t>(*value >> 8);
    bytes[filled++] = static_cast<std::uint8_t>(*value & 0xff);
    if (text.empty()) break;
    text.remove_prefix(1);  // The colon.
    if (text.empty()) return false;
    if (text.front() != ':') continue;
    if (gap) return false;
    gap = filled;
    text.remove_prefix(1);
  }
  if (!gap) return filled == bytes.size();
  if (filled == bytes.size()) return false;  // "::" stands for one group at least.
  const auto begin = bytes.begin();
  const auto moved = std::copy_backward(begin + static_cast<std::ptrdiff_t>(*gap),
                                        begin + static_cast<std::ptrdiff_t>(filled), bytes.end());
  std::fill(begin + static_cast<std::ptrdiff_t>(*gap), moved, std::uint8_t{0});
  return true;
}

// Reads an address as it is written, a mapped one as IPv6.
std::optional<IpAddress> parse_unmapped(std::string_view text) {
  IpAddress address;
  if (parse_v4(text, std::span(address.bytes).first<4>())) return address;
  address = IpAddress{.bytes = {}, .v6 = true};
  return parse_v6(text, address.bytes) ? std::optional(address) : std::nullopt;
}

}  // namespace

void unmap(IpAddress& address) {
  if (!address.v6 || !std::ranges::equal(std::span(address.bytes).first(12), kMappedPrefix)) return;
  address.v6 = false;
  std::copy(address.bytes.begin() + 12, address.bytes.end(), address.bytes.begin());
  std::fill(address.bytes.begin() + 4, address.bytes.end(), std::uint8_t{0});
}

bool is_ipv4(std::string_view text) {
  const auto address = parse_unmapped(text);
  return address && !address->v6;
}

bool is_ipv6(std::string_view text) {
  const auto address = parse_unmapped(text);
  return address && address->v6;
}

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  auto address = parse_unmapped(text);
  if (address) unmap(*address);
  return address;
}

std::optional<IpRange> parse_ip_range(std::string_view text) {
  const std::size_t slash = text.find('/');
  auto base = parse_unmapped(text.substr(0, slash));
  if (!base) return std::nullopt;
  const unsigned bits_max = base->v6 ? kBitsOfV6 : kBitsOfV4;
  unsigned bits = bits_max;
  if (slash != std::string_view::npos) {
    const auto given = parse_decimal<unsigned>(text.substr(slash + 1));
    if (!given || *given > bits_max) return std::nullopt;
    bits = *given;
  }
  const bool was_v6 = base->v6;
  unmap(*base);
  if (was_v6 && !base->v6) {
    if (bits < kBitsOfV6 - kBitsOfV4) return std::nullopt;
    bits -= kBitsOfV6 - kBitsOfV4;
  }
  return IpRange{*base, bits};
}

}  // namespace crier
