#include "net/http/proxy_header.h"

#include <cstddef>
#include <string>

#include "tests/support/catch.h"

namespace crier::net {
namespace {

using namespace std::string_literals;
using Progress = ProxyHeader::Progress;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

// A header of version 2 with these two bytes and this block behind its length.
std::string version_2(int command, int family, const std::string& block) {
  std::string header = kSignature;
  header += static_cast<char>(command);
  header += static_cast<char>(family);
  header += static_cast<char>(block.size() >> 8);
  header += static_cast<char>(block.size() & 0xff);
  return header + block;
}

const std::string kV4 = "\xcb\x00\x71\x07\x0a\x00\x00\x01\xc4\x88\x1f\x90"s;
const std::string kV6 = "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x07"s +
                        std::string(16, '\x01') + "\xc4\x88\x1f\x90"s;
const std::string kMapped =
    std::string(10, '\0') + "\xff\xff\xcb\x00\x71\x07"s + std::string(16, '\x01') + kV4.substr(8);
const std::string kTlv = "\x04\x00\x03xyz"s;

struct HeaderCase {
  const char* name;
  std::string header;
  const char* client;  // Empty: it names none.
};

TEST_CASE("a PROXY header is read, and what it names") {
  const HeaderCase row = GENERATE(values<HeaderCase>({
      {"TCP4", "PROXY TCP4 203.0.113.7 10.0.0.1 50312 8080\r\n", "203.0.113.7:50312"},
      {"TCP4, longest", "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
       "255.255.255.255:65535"},
      {"TCP6", "PROXY TCP6 2001:db8::7 2001:db8::1 50312 8080\r\n", "[2001:db8::7]:50312"},
      {"TCP6, mapped", "PROXY TCP6 ::ffff:203.0.113.7 ::1 5 6\r\n", "203.0.113.7:5"},
      {"port 0", "PROXY TCP4 203.0.113.7 10.0.0.1 0 0\r\n", "203.0.113.7"},
      {"UNKNOWN", "PROXY UNKNOWN\r\n", ""},
      {"UNKNOWN, longest", "PROXY UNKNOWN " + std::string(91, 'f') + "\r\n", ""},
      {"version 2, IPv4", version_2(0x21, 0x11, kV4), "203.0.113.7:50312"},
      {"version 2, IPv6", version_2(0x21, 0x21, kV6), "[2001:db8::7]:50312"},
      {"version 2, mapped", version_2(0x21, 0x21, kMapped), "203.0.113.7:50312"},
      {"version 2, options", version_2(0x21, 0x11, kV4 + kTlv + kTlv), "203.0.113.7:50312"},
      {"version 2, longest", version_2(0x21, 0x11, kV4 + std::string(508, 't')),
       "203.0.113.7:50312"},
      {"LOCAL", version_2(0x20, 0x00, ""), ""},
      {"LOCAL with an address", version_2(0x20, 0x11, kV4), ""},
      {"LOCAL with a family that there is not", version_2(0x20, 0xff, "junk"), ""},
      {"no family", version_2(0x21, 0x00, ""), ""},
      {"no family, with options", version_2(0x21, 0x00, kTlv), ""},
      {"a Unix socket", version_2(0x21, 0x31, std::string(216, 'u')), ""},
      {"datagrams", version_2(0x21, 0x12, kV4), ""},
      {"no transport", version_2(0x21, 0x10, kV4), ""},
  }));
  CAPTURE(row.name);
  for (std::size_t cut = 0; cut < row.header.size(); ++cut) {
    CAPTURE(cut);
    CHECK(parse_proxy_header(row.header.substr(0, cut)).progress == Progress::more);
  }
  for (const std::string& rest : {""s, "GET / HTTP/1.1\r\n"s, row.header, std::string(600, '\n')}) {
    const ProxyHeader header = parse_proxy_header(row.header + rest);
    CHECK(header.progress == Progress::complete);
    CHECK(header.size == row.header.size());
    CHECK((header.client ? to_string(*header.client) : "") == row.client);
  }
}

TEST_CASE("a PROXY header that is malformed is refused, and other bytes are none") {
  struct OtherCase {
    const char* name;
    std::string bytes;
    Progress progress;
  };
  using enum Progress;
  const OtherCase row = GENERATE(values<OtherCase>({
      {"a request", "GET / HTTP/1.1\r\n", absent},
      {"a method that begins alike", "PROPFIND / HTTP/1.1\r\n", absent},
      {"a line end before a request", "\r\nGET / HTTP/1.1\r\n", absent},
      {"lower case", "proxy TCP4 203.0.113.7 10.0.0.1 1 2\r\n", absent},
      {"a tab", "PROXY\tTCP4 203.0.113.7 10.0.0.1 1 2\r\n", absent},
      {"blank lines", "\r\n\r\n\r\n", absent},
      {"half a signature", kSignature.substr(0, 11) + "\r", absent},
      {"TLS", "\x16\x03\x01", absent},
      {"no family", "PROXY \r\n", malformed},
      {"another family", "PROXY UDP4 203.0.113.7 10.0.0.1 1 2\r\n", malformed},
      {"UNKNOWN, and more", "PROXY UNKNOWNS\r\n", malformed},
      {"no ports", "PROXY TCP4 203.0.113.7 10.0.0.1\r\n", malformed},
      {"one port", "PROXY TCP4 203.0.113.7 10.0.0.1 1\r\n", malformed},
      {"three ports", "PROXY TCP4 203.0.113.7 10.0.0.1 1 2 3\r\n", malformed},
      {"a space at the end", "PROXY TCP4 203.0.113.7 10.0.0.1 1 2 \r\n", malformed},
      {"two spaces", "PROXY TCP4  203.0.113.7 10.0.0.1 1 2\r\n", malformed},
      {"a port too large", "PROXY TCP4 203.0.113.7 10.0.0.1 65536 2\r\n", malformed},
      {"a server's port too large", "PROXY TCP4 203.0.113.7 10.0.0.1 1 65536\r\n", malformed},
      {"a sign", "PROXY TCP4 203.0.113.7 10.0.0.1 +1 2\r\n", malformed},
      {"IPv6 as TCP4", "PROXY TCP4 ::1 ::1 1 2\r\n", malformed},
      {"IPv4 as TCP6", "PROXY TCP6 203.0.113.7 10.0.0.1 1 2\r\n", malformed},
      {"a server of another family", "PROXY TCP6 ::1 10.0.0.1 1 2\r\n", malformed},
      {"a name", "PROXY TCP4 localhost 10.0.0.1 1 2\r\n", malformed},
      {"no CR", "PROXY TCP4 203.0.113.7 10.0.0.1 1 2\n", malformed},
      {"a CR inside", "PROXY TCP4 203.0.113.7 10.0.0.1 1\r 2\r\n", malformed},
      {"107 bytes and no end", "PROXY UNKNOWN " + std::string(93, 'f'), malformed},
      {"108 bytes", "PROXY UNKNOWN " + std::string(92, 'f') + "\r\n", malformed},
      {"version 1 in version 2", version_2(0x11, 0x11, kV4), malformed},
      {"version 3", version_2(0x31, 0x11, kV4), malformed},
      {"another command", version_2(0x22, 0x11, kV4), malformed},
      {"another family of version 2", version_2(0x21, 0x41, kV4), malformed},
      {"another transport", version_2(0x21, 0x13, kV4), malformed},
      {"half an address", version_2(0x21, 0x11, kV4.substr(1)), malformed},
      {"half an IPv6 address", version_2(0x21, 0x21, kV6.substr(1)), malformed},
      {"half a path", version_2(0x21, 0x31, std::string(215, 'u')), malformed},
      {"537 bytes", version_2(0x21, 0x11, kV4 + std::string(509, 't')), malformed},
      {"LOCAL of 537 bytes", version_2(0x20, 0x00, std::string(521, 't')), malformed},
  }));
  CAPTURE(row.name);
  CHECK(parse_proxy_header(row.bytes).progress == row.progress);
  CHECK(parse_proxy_header(row.bytes + std::string(600, 'x')).progress == row.progress);
}

}  // namespace
}  // namespace crier::net
