// The bytes allowed in each part of a request head, and ASCII comparison without locale.
//
// Pure functions and constants; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace crier::net {

enum ByteClass : std::uint8_t {
  kTokenByte = 1,  // RFC 9110 5.6.2: method and field names.
  // The target before its '?': RFC 3986, so without "<>\^`{|}, '#', space, control characters and
  // bytes from 0x80.
  kPathByte = 2,
  kValueByte = 4,  // RFC 9110 5.5: HTAB, SP, visible characters, bytes from 0x80.
  kHostByte = 8,   // Letters, digits, '.', '-', '_'.
  kHexByte = 16,
  // The target after its '?': also '?' and the bytes \^`{|}, which browsers do not percent-encode
  // in a query (WHATWG URL, query percent-encode set).
  kQueryByte = 32,
};

constexpr std::array<std::uint8_t, 256> make_byte_classes() {
  std::array<std::uint8_t, 256> table{};
  const auto mark = [&table](std::string_view bytes, ByteClass which) {
    for (const char byte : bytes) table[static_cast<unsigned char>(byte)] |= which;
  };
  for (std::size_t byte = 0x20; byte < 256; ++byte) {
    if (byte != 0x7F) table[byte] |= kValueByte;
  }
  mark("\t", kValueByte);
  for (std::size_t byte = 0x21; byte < 0x7F; ++byte) {
    const char text = static_cast<char>(byte);
    if (std::string_view("\"<>#").find(text) != std::string_view::npos) continue;
    table[byte] |= kQueryByte;
    if (std::string_view("?\\^`{|}").find(text) == std::string_view::npos) table[byte] |= kPathByte;
  }
  constexpr std::string_view kAlnum =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  mark(kAlnum, kTokenByte);
  mark("!#$%&'*+-.^_`|~", kTokenByte);
  mark(kAlnum, kHostByte);
  mark(".-_", kHostByte);
  mark("0123456789abcdefABCDEF", kHexByte);
  return table;
}

inline constexpr std::array<std::uint8_t, 256> kByteClasses = make_byte_classes();

constexpr bool is_in(char byte, ByteClass which) {
  return (kByteClasses[static_cast<unsigned char>(byte)] & which) != 0;
}

constexpr char ascii_lower(char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + ('a' - 'A')) : byte;
}

constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] != b[i] && ascii_lower(a[i]) != ascii_lower(b[i])) return false;
  }
  return true;
}

// `text` without SP and HTAB at both ends.
constexpr std::string_view trim_ows(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The length of a list's first element, which ends at a separator outside quoted strings (RFC 9110
// 5.6.4) or at the end of the list.
constexpr std::size_t list_element_length(std::string_view list, char separator = ',') {
  bool quoted = false;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i] == '"') quoted = !quoted;
    if (quoted && list[i] == '\\') ++i;
    if (!quoted && list[i] == separator) return i;
  }
  return list.size();
}

// Calls visit(element) for each element of a comma-separated list (RFC 9110 5.6.1). Elements are
// trimmed; empty ones are skipped.
template <typename Visit>
constexpr void for_each_in_list(std::string_view list, Visit&& visit) {
  while (!list.empty()) {
    const std::size_t length = list_element_length(list);
    const std::string_view element = trim_ows(list.substr(0, length));
    if (!element.empty()) visit(element);
    list.remove_prefix(length < list.size() ? length + 1 : length);
  }
}

}  // namespace crier::net
