#include "net/http/client_address.h"

#include <cstddef>
#include <string>
#include <vector>

#include "net/http/head_reader.h"
#include "tests/support/catch.h"

namespace crier::net {
namespace {

// What the tables trust.
const std::vector<std::string> kTrusted = {"10.0.0.0/8", "127.0.0.1", "2001:db8:1::/48"};

TrustedProxies trusted_proxies(ClientHeader header, const std::vector<std::string>& all) {
  TrustedProxies trusted{.header = header};
  for (const std::string& text : all) trusted.ranges.push_back(AddressRange::parse(text).value());
  return trusted;
}

PeerAddress peer_at(const std::string& text) {
  const auto address = parse_ip_address(text);
  return address ? PeerAddress::of(*address, 40'000) : PeerAddress{};
}

// `fields`: "Name: value\r\n" each, in a head that crier accepts.
std::string client_of(const std::string& peer, const std::string& fields,
                      const TrustedProxies& trusted) {
  HeadReader reader({});
  std::size_t used = 0;
  const std::string head = "GET /events HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
  REQUIRE(reader.consume(head, used) == HeadProgress::complete);
  return to_string(client_address(reader.request(), peer_at(peer), trusted));
}

struct AddressCase {
  const char* name;
  const char* peer;
  std::vector<std::string> lines;  // Of the header.
  const char* client;
};

void check_walk(const AddressCase& row, ClientHeader header, const std::string& field) {
  CAPTURE(row.name);
  std::string fields;
  for (const std::string& line : row.lines) fields += field + ": " + line + "\r\n";
  CHECK(client_of(row.peer, fields, trusted_proxies(header, kTrusted)) == row.client);
}

const std::string kLong(8'000, '1');
const std::string kManyHops = [] {
  std::string list = "203.0.113.7";
  for (int i = 0; i < 500; ++i) list += ",10.0.0." + std::to_string(i % 256);
  return list;
}();

TEST_CASE("X-Forwarded-For is walked from the right, past trusted proxies") {
  const AddressCase row = GENERATE(values<AddressCase>({
      {"no header", "10.0.0.1", {}, "10.0.0.1:40000"},
      {"one proxy", "10.0.0.1", {"203.0.113.7"}, "203.0.113.7"},
      {"the peer is IPv6", "2001:db8:1::9", {"203.0.113.7"}, "203.0.113.7"},
      {"the client is IPv6", "10.0.0.1", {"2001:db8::7"}, "2001:db8::7"},
      {"the peer is not trusted", "192.0.2.1", {"203.0.113.7"}, "192.0.2.1:40000"},
      {"an IPv6 peer is not trusted", "2001:db8:2::1", {"203.0.113.7"}, "[2001:db8:2::1]:40000"},
      {"the peer is a Unix socket", "unix", {"203.0.113.7"}, "0.0.0.0"},
      {"the proxy asks for itself", "127.0.0.1", {"127.0.0.1"}, "127.0.0.1"},
      {"two proxies", "10.0.0.1", {"203.0.113.7, 10.0.0.2"}, "203.0.113.7"},
      {"proxies of both families", "10.0.0.1", {"203.0.113.7, 2001:db8:1::2"}, "203.0.113.7"},
      {"the client's own words", "10.0.0.1", {"192.0.2.9, 203.0.113.7"}, "203.0.113.7"},
      {"the client names a proxy", "10.0.0.1", {"10.0.0.9, 203.0.113.7"}, "203.0.113.7"},
      {"an untrusted proxy", "10.0.0.1", {"192.0.2.9, 203.0.113.7, 10.0.0.2"}, "203.0.113.7"},
      {"two lines", "10.0.0.1", {"203.0.113.7", "10.0.0.2"}, "203.0.113.7"},
      {"the last line counts", "10.0.0.1", {"192.0.2.9", "203.0.113.7"}, "203.0.113.7"},
      {"three lines",
       "10.0.0.1",
       {"192.0.2.9, 203.0.113.7", "10.0.0.3", "10.0.0.2"},
       "203.0.113.7"},
      {"an empty line", "10.0.0.1", {"203.0.113.7", "", "10.0.0.2"}, "203.0.113.7"},
      {"all trusted", "10.0.0.1", {"10.0.0.4, 10.0.0.3", "10.0.0.2"}, "10.0.0.4"},
      {"very many trusted", "10.0.0.1", {kManyHops}, "203.0.113.7"},
      {"no spaces", "10.0.0.1", {"203.0.113.7,10.0.0.2"}, "203.0.113.7"},
      {"many spaces", "10.0.0.1", {"203.0.113.7 \t , \t 10.0.0.2"}, "203.0.113.7"},
      {"a space inside", "10.0.0.1", {"203.0.113.7, 10.0. 0.2"}, "10.0.0.1:40000"},
      {"two addresses, no comma", "10.0.0.1", {"203.0.113.7 10.0.0.2"}, "10.0.0.1:40000"},
      {"empty entries", "10.0.0.1", {",203.0.113.7,, ,10.0.0.2,,"}, "203.0.113.7"},
      {"only commas", "10.0.0.1", {", ,,"}, "10.0.0.1:40000"},
      {"a port", "10.0.0.1", {"203.0.113.7:567"}, "203.0.113.7:567"},
      {"ports of proxies", "10.0.0.1", {"203.0.113.7:567, 10.0.0.2:80"}, "203.0.113.7:567"},
      {"a port too large", "10.0.0.1", {"203.0.113.7:65536"}, "10.0.0.1:40000"},
      {"a port of six digits", "10.0.0.1", {"203.0.113.7:000080"}, "10.0.0.1:40000"},
      {"an empty port", "10.0.0.1", {"203.0.113.7:"}, "10.0.0.1:40000"},
      {"a port that is a word", "10.0.0.1", {"203.0.113.7:http"}, "10.0.0.1:40000"},
      {"an obfuscated port", "10.0.0.1", {"203.0.113.7:_p"}, "10.0.0.1:40000"},
      {"brackets", "10.0.0.1", {"[2001:db8::7]"}, "2001:db8::7"},
      {"brackets and port",
       "10.0.0.1",
       {"[2001:db8::7]:80, [2001:db8:1::2]:443"},
       "[2001:db8::7]:80"},
      {"an open bracket", "10.0.0.1", {"[2001:db8::7"}, "10.0.0.1:40000"},
      {"a closing bracket", "10.0.0.1", {"2001:db8::7]"}, "10.0.0.1:40000"},
      {"bytes behind the bracket", "10.0.0.1", {"[2001:db8::7]80"}, "10.0.0.1:40000"},
      {"IPv4 in brackets", "10.0.0.1", {"[203.0.113.7]"}, "10.0.0.1:40000"},
      {"mapped IPv4", "10.0.0.1", {"::ffff:203.0.113.7, ::ffff:10.0.0.2"}, "203.0.113.7"},
      {"mapped IPv4 with a port", "10.0.0.1", {"[::ffff:203.0.113.7]:80"}, "203.0.113.7:80"},
      {"a zone", "10.0.0.1", {"fe80::1%eth0"}, "10.0.0.1:40000"},
      {"leading zeros", "10.0.0.1", {"203.0.113.007"}, "10.0.0.1:40000"},
      {"a number", "10.0.0.1", {"3405803783"}, "10.0.0.1:40000"},
      {"a name", "10.0.0.1", {"203.0.113.7, proxy.example"}, "10.0.0.1:40000"},
      {"junk left of a proxy", "10.0.0.1", {"203.0.113.7, junk, 10.0.0.2"}, "10.0.0.2"},
      {"junk left of the client", "10.0.0.1", {"junk, 203.0.113.7"}, "203.0.113.7"},
      {"junk line before a proxy's", "10.0.0.1", {"junk", "10.0.0.2:9"}, "10.0.0.2:9"},
      {"unknown", "10.0.0.1", {"203.0.113.7, unknown"}, "10.0.0.1:40000"},
      {"hidden", "10.0.0.1", {"203.0.113.7, _hidden, 10.0.0.2"}, "10.0.0.2"},
      {"a Unix socket", "10.0.0.1", {"unix:"}, "10.0.0.1:40000"},
      {"quotes mean nothing", "10.0.0.1", {"\"203.0.113.7\""}, "10.0.0.1:40000"},
      {"a quote hides nothing", "10.0.0.1", {"\", 203.0.113.7"}, "203.0.113.7"},
      {"the other header's form", "10.0.0.1", {"for=203.0.113.7"}, "10.0.0.1:40000"},
      {"bytes beyond ASCII", "10.0.0.1", {"203.0.113.7\xc2\xa0"}, "10.0.0.1:40000"},
      {"oversize on the right", "10.0.0.1", {"203.0.113.7, " + kLong}, "10.0.0.1:40000"},
      {"oversize on the left", "10.0.0.1", {kLong + ", 203.0.113.7"}, "203.0.113.7"},
  }));
  check_walk(row, ClientHeader::x_forwarded_for, "x-FORWARDED-for");
}

TEST_CASE("Forwarded is walked like X-Forwarded-For, by the grammar of RFC 7239") {
  const AddressCase row = GENERATE(values<AddressCase>({
      {"no header", "10.0.0.1", {}, "10.0.0.1:40000"},
      {"one proxy", "10.0.0.1", {"for=203.0.113.7"}, "203.0.113.7"},
      {"the peer is not trusted", "192.0.2.1", {"for=203.0.113.7"}, "192.0.2.1:40000"},
      {"case", "10.0.0.1", {"FoR=203.0.113.7"}, "203.0.113.7"},
      {"all parameters",
       "10.0.0.1",
       {"by=10.0.0.1;For=203.0.113.7;host=h;proto=https"},
       "203.0.113.7"},
      {"spaces at semicolons", "10.0.0.1", {"proto=https ; for=203.0.113.7 ;by=_a"}, "203.0.113.7"},
      {"empty parameters", "10.0.0.1", {";;for=203.0.113.7;"}, "203.0.113.7"},
      {"quoted IPv6", "10.0.0.1", {"for=\"[2001:db8::1]\""}, "2001:db8::1"},
      {"quoted IPv6 with a port", "10.0.0.1", {"for=\"[2001:db8::1]:4711\""}, "[2001:db8::1]:4711"},
      {"quoted IPv4 with a port", "10.0.0.1", {"for=\"203.0.113.7:47\""}, "203.0.113.7:47"},
      {"an obfuscated port", "10.0.0.1", {"for=\"203.0.113.7:_p-1.X\""}, "203.0.113.7"},
      {"an empty obfuscated port", "10.0.0.1", {"for=\"203.0.113.7:_\""}, "10.0.0.1:40000"},
      {"IPv6 without quotes", "10.0.0.1", {"for=[2001:db8::1]:80"}, "[2001:db8::1]:80"},
      {"IPv6 without brackets", "10.0.0.1", {"for=\"2001:db8::1\""}, "2001:db8::1"},
      {"several hops",
       "10.0.0.1",
       {"for=203.0.113.7, for=10.0.0.3;by=10.0.0.2", "for=10.0.0.2"},
       "203.0.113.7"},
      {"all trusted", "10.0.0.1", {"for=10.0.0.3", "for=\"[2001:db8:1::2]\""}, "10.0.0.3"},
      {"the client's own words", "10.0.0.1", {"for=192.0.2.9, for=203.0.113.7"}, "203.0.113.7"},
      {"empty elements", "10.0.0.1", {"for=203.0.113.7, ,,for=10.0.0.2,"}, "203.0.113.7"},
      {"unknown", "10.0.0.1", {"for=203.0.113.7, for=unknown"}, "10.0.0.1:40000"},
      {"hidden", "10.0.0.1", {"for=203.0.113.7, for=\"_SEVKISEK\", for=10.0.0.2"}, "10.0.0.2"},
      {"no for", "10.0.0.1", {"for=203.0.113.7, proto=https"}, "10.0.0.1:40000"},
      {"two for", "10.0.0.1", {"for=203.0.113.7;for=10.0.0.2"}, "10.0.0.1:40000"},
      {"for without a value", "10.0.0.1", {"for"}, "10.0.0.1:40000"},
      {"for with an empty value", "10.0.0.1", {"for="}, "10.0.0.1:40000"},
      {"a space before the equals sign", "10.0.0.1", {"for =203.0.113.7"}, "10.0.0.1:40000"},
      {"a bare address", "10.0.0.1", {"203.0.113.7"}, "10.0.0.1:40000"},
      {"an escape", "10.0.0.1", {"for=\"203.0.113\\.7\""}, "10.0.0.1:40000"},
      {"a comma in quotes",
       "10.0.0.1",
       {"for=203.0.113.7;ext=\"a, for=192.0.2.9\""},
       "203.0.113.7"},
      {"a semicolon in quotes",
       "10.0.0.1",
       {"ext=\"a;for=192.0.2.9\";for=203.0.113.7"},
       "203.0.113.7"},
      {"an escaped quote",
       "10.0.0.1",
       {"for=203.0.113.7;ext=\"a=\\\", for=192.0.2.9\""},
       "203.0.113.7"},
      {"an open quote hides no token", "10.0.0.1", {"for=\", for=203.0.113.7"}, "203.0.113.7"},
      {"an open quote hides no quoted string",
       "10.0.0.1",
       {"for=\", for=\"[2001:db8::1]:80\""},
       "[2001:db8::1]:80"},
      {"an open quote in a line before", "10.0.0.1", {"for=\"", "for=203.0.113.7"}, "203.0.113.7"},
      {"only a quote", "10.0.0.1", {"\""}, "10.0.0.1:40000"},
      {"many quotes", "10.0.0.1", {std::string(4'000, '"')}, "10.0.0.1:40000"},
      {"oversize", "10.0.0.1", {"for=203.0.113.7;by=" + kLong}, "203.0.113.7"},
  }));
  check_walk(row, ClientHeader::forwarded, "forwarded");
}

TEST_CASE("only the header that is configured counts, by its exact name") {
  const auto x_forwarded_for = trusted_proxies(ClientHeader::x_forwarded_for, {"10.0.0.1"});
  const auto forwarded = trusted_proxies(ClientHeader::forwarded, {"10.0.0.1"});
  const std::string both = "X-Forwarded-For: 203.0.113.1\r\nForwarded: for=203.0.113.2\r\n";
  CHECK(client_of("10.0.0.1", both, x_forwarded_for) == "203.0.113.1");
  CHECK(client_of("10.0.0.1", both, forwarded) == "203.0.113.2");
  const std::string others = "X_Forwarded_For: 203.0.113.1\r\nX-Real-IP: 203.0.113.3\r\n";
  CHECK(client_of("10.0.0.1", others, x_forwarded_for) == "10.0.0.1:40000");
  CHECK(client_of("10.0.0.1", both, TrustedProxies{}) == "10.0.0.1:40000");
}

}  // namespace
}  // namespace crier::net
