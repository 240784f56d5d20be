// Reads digits as numbers: decimal numbers, one hexadecimal digit, ports and IPv4 addresses. All
// code that reads digits uses these functions, so the rules are the same everywhere.
//
// Pure functions; any thread.
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace crier {

// Reads the whole text as a decimal number. Leading zeros are allowed. Returns nullopt if the text
// is empty, contains anything but digits, or its number does not fit Number.
template <std::unsigned_integral Number>
std::optional<Number> parse_decimal(std::string_view text) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return number;
}

// Returns the value of a hexadecimal digit of either case, and -1 for any other byte.
constexpr int hex_digit(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

// Reads a port of at most five digits, so that leading zeros are bounded. Returns nullopt for other
// text.
inline std::optional<std::uint16_t> parse_port(std::string_view text) {
  return text.size() <= 5 ? parse_decimal<std::uint16_t>(text) : std::nullopt;
}

// Returns true for four numbers from 0 to 255, each of one to three digits, joined by dots.
inline bool is_ipv4(std::string_view text) {
  for (int part = 0; part < 4; ++part) {
    const std::size_t dot = part < 3 ? text.find('.') : text.size();
    if (dot > 3) return false;  // Also true for npos: there is no dot.
    if (!parse_decimal<std::uint8_t>(text.substr(0, dot))) return false;
    text.remove_prefix(part < 3 ? dot + 1 : dot);
  }
  return text.empty();
}

}  // namespace crier
