#include "net/socket/address_range.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>
#include <string>

#include "net/socket/peer_address.h"
#include "tests/support/catch.h"

namespace crier::net {
namespace {

PeerAddress peer_of(const std::string& text) {
  sockaddr_storage address{};
  if (sockaddr_in in{.sin_family = AF_INET}; ::inet_pton(AF_INET, text.c_str(), &in.sin_addr)) {
    std::memcpy(&address, &in, sizeof(in));
  } else {
    sockaddr_in6 in6{.sin6_family = AF_INET6};
    REQUIRE(::inet_pton(AF_INET6, text.c_str(), &in6.sin6_addr) == 1);
    std::memcpy(&address, &in6, sizeof(in6));
  }
  return peer_address(address);
}

struct RangeRow {
  const char* range;
  const char* peer;
  bool contained;
};

TEST_CASE("a range contains the addresses that begin like it") {
  const RangeRow row = GENERATE(values<RangeRow>({
      {"192.0.2.7", "192.0.2.7", true},
      {"192.0.2.7", "192.0.2.6", false},
      {"192.0.2.7/32", "192.0.2.7", true},
      {"10.0.0.0/8", "10.255.1.2", true},
      {"10.0.0.0/8", "11.0.0.0", false},
      {"10.9.9.9/8", "10.1.2.3", true},
      {"10.0.0.0/9", "10.127.0.1", true},
      {"10.0.0.0/9", "10.128.0.1", false},
      {"0.0.0.0/0", "203.0.113.9", true},
      {"0.0.0.0/0", "::1", false},
      {"::/0", "2001:db8::1", true},
      {"::/0", "203.0.113.9", false},
      {"2001:db8::/33", "2001:db8:7fff::1", true},
      {"2001:db8::/33", "2001:db8:8000::1", false},
      {"::1", "::1", true},
      {"::ffff:10.0.0.1", "10.0.0.1", true},
      {"::ffff:10.0.0.0/104", "10.7.7.7", true},
      {"10.0.0.1", "::ffff:10.0.0.1", true},
  }));
  CAPTURE(row.range, row.peer);
  const auto range = AddressRange::parse(row.range);
  REQUIRE(range);
  CHECK(range->contains(peer_of(row.peer)) == row.contained);
  CHECK(range->text() == row.range);
}

TEST_CASE("text that is not an address or a range is refused") {
  using namespace std::string_literals;
  for (const std::string& text :
       {""s, "/8"s, "10.0.0"s, "10.0.0.0/"s, "10.0.0.0/33"s, "10.0.0.0/-1"s, "10.0.0.0/8/8"s,
        "10.0.0.0 /8"s, "::/129"s, "::ffff:10.0.0.0/95"s, "localhost"s, "10.0.0.1\0"s, "[::1]"s,
        "10.0.0.1:80"s}) {
    CAPTURE(text);
    CHECK_FALSE(AddressRange::parse(text));
  }
}

}  // namespace
}  // namespace crier::net
