// Reads digits as numbers: decimal numbers, one hexadecimal digit and ports. All code that reads
// digits uses these functions, so the rules are the same everywhere.
//
// Pure functions; any thread.
#pragma once

#include <charconv>
#include <concepts>
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

}  // namespace crier
