#include "core/text/percent.h"

#include <charconv>
#include <cstdint>
#include <system_error>

namespace crier {

std::optional<char> escaped_byte(std::string_view text) {
  const std::string_view digits = text.substr(1, 2);
  std::uint8_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, value, 16);
  if (digits.size() != 2 || parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return static_cast<char>(value);
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  while (!text.empty()) {
    char c = text.front();
    std::size_t used = 1;
    if (c == '%') {
      const auto byte = escaped_byte(text);
      if (!byte) return std::nullopt;
      c = *byte;
      used = 3;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0') return std::nullopt;
    decoded.push_back(c);
    text.remove_prefix(used);
  }
  return decoded;
}

std::optional<QueryPairs> parse_query(std::string_view query, std::size_t pairs_max) {
  QueryPairs pairs;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view piece = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    if (piece.empty()) continue;
    if (pairs.size() == pairs_max) return std::nullopt;

    const std::size_t equals = piece.find('=');
    auto name = percent_decode(piece.substr(0, equals), true);
    auto value = percent_decode(
        equals == std::string_view::npos ? std::string_view() : piece.substr(equals + 1), true);
    if (!name || !value) return std::nullopt;
    pairs.emplace_back(std::move(*name), std::move(*value));
  }
  return pairs;
}

}  // namespace crier
