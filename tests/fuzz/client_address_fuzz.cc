// Walks the addresses of a header from right to left, and compares it with naive code.
//
// Input: the lines of the header. For any bytes: the client is the peer, or an address that stands
// in the header; every hop before it is trusted, so bytes that a client puts on the left change
// nothing once a hop is not trusted; several lines are read like one. parse_ip_address() agrees
// with inet_pton().
#include <arpa/inet.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/check.h"
#include "core/text/ip_address.h"
#include "net/http/client_address.h"
#include "net/http/head_bytes.h"

namespace {

using crier::ClientHeader;
using crier::net::AddressRange;
using crier::net::HeadField;
using crier::net::PeerAddress;
using crier::net::TrustedProxies;

const PeerAddress kPeer = PeerAddress::of(*crier::parse_ip_address("10.0.0.1"), 1'234);

const TrustedProxies& trusted(bool forwarded) {
  static const auto make = [](ClientHeader header) {
    TrustedProxies made{.header = header};
    for (const char* text : {"10.0.0.0/8", "2001:db8::/32"}) {
      made.ranges.push_back(AddressRange::parse(text).value());
    }
    return made;
  };
  static const TrustedProxies kX = make(ClientHeader::x_forwarded_for);
  static const TrustedProxies kForwarded = make(ClientHeader::forwarded);
  return forwarded ? kForwarded : kX;
}

PeerAddress walk(const std::vector<std::string_view>& lines, bool forwarded) {
  std::string head;
  std::vector<HeadField> fields;
  const auto add = [&head](std::string_view text) {
    const auto begin = static_cast<std::uint32_t>(head.size());
    head += text;
    return crier::net::HeadSpan{begin, static_cast<std::uint32_t>(head.size())};
  };
  for (const std::string_view line : lines) {
    const auto name = add(forwarded ? "Forwarded" : "X-Forwarded-For");
    fields.push_back({.name = name, .value = add(line)});
  }
  crier::net::Request request;
  request.head = head;
  request.fields = fields;
  return crier::net::client_address(request, kPeer, trusted(forwarded));
}

// X-Forwarded-For, with the whole list in memory and addresses without ports and brackets.
PeerAddress naive_walk(const std::vector<std::string_view>& lines) {
  std::vector<std::string_view> entries;
  for (std::string_view line : lines) {
    for (;;) {
      const std::size_t comma = line.find(',');
      entries.push_back(crier::net::trim_ows(line.substr(0, comma)));
      if (comma == std::string_view::npos) break;
      line.remove_prefix(comma + 1);
    }
  }
  std::erase(entries, "");
  PeerAddress hop = kPeer;
  for (; !entries.empty() && trusted(false).contain(hop); entries.pop_back()) {
    const auto address = crier::parse_ip_address(entries.back());
    if (!address) break;
    hop = PeerAddress::of(*address, 0);
  }
  return hop;
}

void check_parser(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return;  // inet_pton() would stop there.
  const std::string copy(text);
  crier::IpAddress expected;
  const bool v4 = ::inet_pton(AF_INET, copy.c_str(), expected.bytes.data()) == 1;
  expected.v6 = !v4 && ::inet_pton(AF_INET6, copy.c_str(), expected.bytes.data()) == 1;
  const auto address = crier::parse_ip_address(text);
  CRIER_CHECK(address.has_value() == (v4 || expected.v6));
  if (!address) return;
  crier::unmap(expected);
  CRIER_CHECK(*address == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<std::string_view> lines;
  for (std::string_view rest = text; lines.size() < 16;) {
    const std::size_t end = rest.find('\n');
    lines.push_back(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  check_parser(lines[0]);
  const auto has = [text](char byte) { return text.find(byte) != std::string_view::npos; };
  const bool has_ports = has('[') || (has('.') && has(':'));  // Perhaps.
  if (!has_ports) CRIER_CHECK(walk(lines, false) == naive_walk(lines));

  std::string joined(lines[0]);
  for (std::size_t i = 1; i < lines.size(); ++i) joined.append(",").append(lines[i]);

  for (const bool forwarded : {false, true}) {
    const PeerAddress client = walk(lines, forwarded);
    // Several lines are one list. A quoted string does not go on in the next line.
    if (!forwarded || !has('"')) CRIER_CHECK(walk({joined}, forwarded) == client);
    CRIER_CHECK(client.v6 || std::ranges::all_of(client.bytes.begin() + 4, client.bytes.end(),
                                                 [](auto byte) { return byte == 0; }));
    if (trusted(forwarded).contain(client)) continue;
    // A proxy appended the client's address, so what stands before it does not matter.
    for (const std::string_view quote : {"", "\""}) {
      const std::string honest =
          forwarded ? "for=" + std::string(quote) + "192.0.2.1" + std::string(quote) : "192.0.2.1";
      std::vector<std::string_view> appended = lines;
      appended.push_back(honest);
      CRIER_CHECK(walk(appended, forwarded) == walk({honest}, forwarded));
      const std::string one_line = std::string(lines[0]) + ", " + honest;
      CRIER_CHECK(walk({one_line}, forwarded) == walk({honest}, forwarded));
    }
  }
  return 0;
}
