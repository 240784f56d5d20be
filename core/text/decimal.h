// Decimal digits as a number: the one way to read them, wherever they stand.
//
// A pure function; any thread.
#pragma once

#include <charconv>
#include <concepts>
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

}  // namespace crier
