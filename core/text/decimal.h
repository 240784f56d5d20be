// Digits as a number: the one way to read them, wherever they stand.
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

// The text as a whole: no sign, no space, at least one digit; leading zeros count for nothing.
// nullopt for anything else, and for what Number does not hold.
template <std::unsigned_integral Number>
std::optional<Number> parse_decimal(std::string_view text) {
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return number;
}

// The value of a hexadecimal digit, of either case; -1 for any other byte.
constexpr int hex_digit(char byte) {
  if (byte >= '0' && byte <= '9') return byte - '0';
  if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
  if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
  return -1;
}

// At most five digits, so not any number of leading zeros.
inline std::optional<std::uint16_t> parse_port(std::string_view text) {
  return text.size() <= 5 ? parse_decimal<std::uint16_t>(text) : std::nullopt;
}

// Four numbers of one to three digits, joined by dots.
inline bool is_ipv4(std::string_view text) {
  for (int part = 0; part < 4; ++part) {
    const std::size_t dot = part < 3 ? text.find('.') : text.size();
    if (dot > 3) return false;  // Or npos: there is none.
    if (!parse_decimal<std::uint8_t>(text.substr(0, dot))) return false;
    text.remove_prefix(part < 3 ? dot + 1 : dot);
  }
  return text.empty();
}

}  // namespace crier
