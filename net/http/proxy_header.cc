#include "net/http/proxy_header.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/text/decimal.h"
#include "core/text/ip_address.h"

namespace crier::net {
namespace {

using Progress = ProxyHeader::Progress;

constexpr std::string_view kFirst = "PROXY ";  // Of version 1.
constexpr std::size_t kLineBytesMax = 107;     // With CR LF.
constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kFixedBytes = 16;  // Of version 2: the signature, and 4 bytes more.
constexpr std::size_t kBytesOfV4 = 12;   // Two addresses and two ports.
constexpr std::size_t kBytesOfV6 = 36;
constexpr std::size_t kBytesOfUnix = 216;

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::uint16_t number_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1));
}

// Reads a line of version 1 without its CR LF.
ProxyHeader parse_line(std::string_view line) {
  ProxyHeader header{.progress = Progress::complete};
  line.remove_prefix(kFirst.size());
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return header;
  std::array<std::string_view, 5> words;  // Family, client, server, and the ports of both.
  for (std::string_view& word : words) {
    word = line.substr(0, line.find(' '));
    const bool last = &word == &words.back();
    if (last != (word.size() == line.size())) return {.progress = Progress::malformed};
    line.remove_prefix(last ? word.size() : word.size() + 1);
  }
  const auto& [family, client, server, port, server_port] = words;
  const auto is_address = family == "TCP6" ? is_ipv6 : is_ipv4;
  const auto number = parse_port(port);
  if ((family != "TCP4" && family != "TCP6") || !is_address(client) || !is_address(server) ||
      !number || !parse_port(server_port)) {
    return {.progress = Progress::malformed};
  }
  header.client = PeerAddress::of(*parse_ip_address(client), *number);
  return header;
}

ProxyHeader parse_version_1(std::string_view bytes) {
  const std::size_t end = bytes.substr(0, kLineBytesMax).find('\n');
  if (end == std::string_view::npos) {
    return {.progress = bytes.size() < kLineBytesMax ? Progress::more : Progress::malformed};
  }
  if (bytes[end - 1] != '\r') return {.progress = Progress::malformed};
  ProxyHeader header = parse_line(bytes.substr(0, end - 1));
  header.size = end + 1;
  return header;
}

// Requires: `bytes` begins with the signature.
ProxyHeader parse_version_2(std::string_view bytes) {
  constexpr ProxyHeader kMore{};
  constexpr ProxyHeader kMalformed{.progress = Progress::malformed};
  if (bytes.size() <= kSignature.size()) return kMore;
  const unsigned version_and_command = byte_at(bytes, 12);
  const bool local = version_and_command == 0x20;
  if (!local && version_and_command != 0x21) return kMalformed;
  if (bytes.size() < kFixedBytes) return kMore;
  const unsigned family = byte_at(bytes, 13);
  const std::size_t length = number_at(bytes, 14);
  if (kFixedBytes + length > kProxyHeaderBytesMax) return kMalformed;
  constexpr std::array<std::size_t, 4> kAddressBytes{0, kBytesOfV4, kBytesOfV6, kBytesOfUnix};
  if (!local) {
    if (family >> 4 >= kAddressBytes.size() || (family & 15) > 2) return kMalformed;
    if (length < kAddressBytes[family >> 4]) return kMalformed;
  }
  if (bytes.size() < kFixedBytes + length) return kMore;
  ProxyHeader header{.progress = Progress::complete, .size = kFixedBytes + length};
  const bool v6 = family == 0x21;
  if (local || (!v6 && family != 0x11)) return header;
  const std::string_view block = bytes.substr(kFixedBytes);
  IpAddress client{.v6 = v6};
  std::ranges::transform(block.substr(0, v6 ? 16 : 4), client.bytes.begin(),
                         [](char byte) { return static_cast<std::uint8_t>(byte); });
  unmap(client);
  header.client = PeerAddress::of(client, number_at(block, v6 ? 32 : 8));
  return header;
}

}  // namespace

ProxyHeader parse_proxy_header(std::string_view bytes) {
  if (bytes.starts_with(kFirst)) return parse_version_1(bytes);
  if (bytes.starts_with(kSignature)) return parse_version_2(bytes);
  const bool begun = kFirst.starts_with(bytes) || kSignature.starts_with(bytes);
  return {.progress = begun ? Progress::more : Progress::absent};
}

}  // namespace crier::net
