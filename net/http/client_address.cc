#include "net/http/client_address.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <ranges>
#include <string_view>

#include "core/text/decimal.h"
#include "core/text/ip_address.h"
#include "net/http/head_bytes.h"

namespace crier::net {
namespace {

// Takes the last element off the list. The quotes of a quoted string are a `"` and, left of it, the
// nearest `="`: one inside the string would have a backslash before its quote.
std::string_view take_last(std::string_view& list, bool quoted_strings) {
  std::size_t begin = list.size();
  while (begin > 0 && list[begin - 1] != ',') {
    --begin;
    if (!quoted_strings || list[begin] != '"') continue;
    const std::size_t opening = list.substr(0, begin).rfind("=\"");
    begin = opening == std::string_view::npos ? 0 : opening;
  }
  const std::string_view element = trim_ows(list.substr(begin));
  list = list.substr(0, begin == 0 ? 0 : begin - 1);
  return element;
}

bool is_obfuscated_port(std::string_view text) {
  return text.size() > 1 && text.front() == '_' &&
         std::ranges::all_of(text, [](char byte) { return is_in(byte, kHostByte); });
}

// Reads a node of RFC 7239 6, with the liberties that the header of this file names.
std::optional<PeerAddress> parse_node(std::string_view text, bool forwarded) {
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    port = text.substr(end + 1);
    text = text.substr(1, end - 1);
    if (text.find(':') == std::string_view::npos) return std::nullopt;
    if (!port.empty() && port.front() != ':') return std::nullopt;
    has_port = !port.empty();
  } else if (const std::size_t colon = text.find(':');
             colon != std::string_view::npos && colon == text.rfind(':')) {
    port = text.substr(colon);
    text = text.substr(0, colon);
    has_port = true;
  }
  std::uint16_t number = 0;
  if (has_port) {
    port.remove_prefix(1);
    const auto parsed = parse_port(port);
    if (!parsed && !(forwarded && is_obfuscated_port(port))) return std::nullopt;
    number = parsed.value_or(0);
  }
  const auto address = parse_ip_address(text);
  return address ? std::optional(PeerAddress::of(*address, number)) : std::nullopt;
}

// Reads the `for` of an element of Forwarded.
std::optional<PeerAddress> parse_element(std::string_view element) {
  std::optional<PeerAddress> found;
  while (!element.empty()) {
    const std::size_t length = list_element_length(element, ';');
    const std::string_view pair = trim_ows(element.substr(0, length));
    element.remove_prefix(std::min(length + 1, element.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (!equal_ignoring_case(pair.substr(0, equals), "for")) continue;
    std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    if (found) return std::nullopt;
    found = parse_node(value, true);
    if (!found) return std::nullopt;
  }
  return found;
}

}  // namespace

bool TrustedProxies::contain(const PeerAddress& address) const {
  return std::ranges::any_of(
      ranges, [&address](const AddressRange& range) { return range.contains(address); });
}

PeerAddress client_address(const Request& request, const PeerAddress& peer,
                           const TrustedProxies& trusted) {
  PeerAddress hop = peer;
  if (!trusted.contain(hop)) return hop;
  const bool forwarded = trusted.header == ClientHeader::forwarded;
  const std::string_view name = forwarded ? "forwarded" : "x-forwarded-for";
  for (const HeadField& field : std::views::reverse(request.fields)) {
    if (!equal_ignoring_case(field.name.in(request.head), name)) continue;
    std::string_view list = field.value.in(request.head);
    while (!list.empty()) {
      const std::string_view entry = take_last(list, forwarded);
      if (entry.empty()) continue;
      const auto named = forwarded ? parse_element(entry) : parse_node(entry, false);
      if (!named) return hop;
      hop = *named;
      if (!trusted.contain(hop)) return hop;
    }
  }
  return hop;
}

}  // namespace crier::net
