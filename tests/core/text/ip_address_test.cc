#include "core/text/ip_address.h"

#include <string>

#include "tests/support/catch.h"

using namespace crier;

namespace {

std::string hex_of(const IpAddress& address) {
  constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < (address.v6 ? 16U : 4U); ++i) {
    text += {kDigits[address.bytes[i] >> 4], kDigits[address.bytes[i] & 15]};
  }
  return text;
}

struct AddressRow {
  const char* text;
  const char* hex;
};

}  // namespace

TEST_CASE("addresses are read in every form") {
  const auto [text, hex] = GENERATE(values<AddressRow>({
      {"0.0.0.0", "00000000"},
      {"192.0.2.255", "c00002ff"},
      {"::", "00000000000000000000000000000000"},
      {"::1", "00000000000000000000000000000001"},
      {"1::", "00010000000000000000000000000000"},
      {"2001:db8::1", "20010db8000000000000000000000001"},
      {"2001:DB8::aBcD", "20010db800000000000000000000abcd"},
      {"1:2:3:4:5:6:7:8", "00010002000300040005000600070008"},
      {"1:2:3:4:5:6:7::", "00010002000300040005000600070000"},
      {"::2:3:4:5:6:7:8", "00000002000300040005000600070008"},
      {"1:2:3:4:5:6:192.0.2.1", "000100020003000400050006c0000201"},
      {"64:ff9b::192.0.2.1", "0064ff9b0000000000000000c0000201"},
      {"::192.0.2.1", "000000000000000000000000c0000201"},
      {"::ffff:192.0.2.1", "c0000201"},
      {"::ffff:c000:201", "c0000201"},
      {"0:0:0:0:0:ffff:c000:201", "c0000201"},
      {"::fffe:c000:201", "00000000000000000000fffec0000201"},
  }));
  CAPTURE(text);
  const auto address = parse_ip_address(text);
  REQUIRE(address);
  CHECK(hex_of(*address) == hex);
}

TEST_CASE("text that is not an address is refused") {
  using namespace std::string_literals;
  for (const std::string& text : {""s,
                                  "1"s,
                                  "1.2.3"s,
                                  "1.2.3.4.5"s,
                                  "1.2.3."s,
                                  ".1.2.3"s,
                                  "1.2.3.256"s,
                                  "1.2.3.1000"s,
                                  "01.2.3.4"s,
                                  "1.2.3.00"s,
                                  "1.2.3.+4"s,
                                  "1.2.3.4 "s,
                                  " 1.2.3.4"s,
                                  "1.2.3.4\0"s,
                                  "localhost"s,
                                  ":"s,
                                  ":::"s,
                                  ":1"s,
                                  "1:"s,
                                  "::1:"s,
                                  ":1::"s,
                                  "1::2::3"s,
                                  "1:::2"s,
                                  "12345::"s,
                                  "g::"s,
                                  "1:2:3:4:5:6:7"s,
                                  "1:2:3:4:5:6:7:8:9"s,
                                  "1:2:3:4:5:6:7:8::"s,
                                  "::1:2:3:4:5:6:7:8"s,
                                  "1:2:3:4::5:6:7:8"s,
                                  "1:2:3:4:5:6:7:1.2.3.4"s,
                                  "1.2.3.4::"s,
                                  "::1.2.3.4:5"s,
                                  "::1.2.3"s,
                                  "::01.2.3.4"s,
                                  "fe80::1%eth0"s,
                                  "[::1]"s,
                                  "::1/64"s}) {
    CAPTURE(text);
    CHECK_FALSE(parse_ip_address(text));
    CHECK_FALSE((is_ipv4(text) || is_ipv6(text)));
  }
}

TEST_CASE("the form of an address is told apart, whatever address it is") {
  for (const std::string_view text : {"127.0.0.1", "::1", "::ffff:192.0.2.1"}) {
    CAPTURE(text);
    const bool v6 = text.starts_with("::");
    CHECK(is_ipv4(text) != v6);
    CHECK(is_ipv6(text) == v6);
  }
}

TEST_CASE("a range counts the bits of the address that it becomes") {
  const auto bits = [](std::string_view text) { return parse_ip_range(text).value().bits; };
  CHECK(bits("192.0.2.1") == 32);
  CHECK(bits("::1") == 128);
  CHECK(bits("10.0.0.0/8") == 8);
  CHECK(bits("2001:db8::/33") == 33);
  CHECK(bits("::ffff:10.0.0.0/104") == 8);
  CHECK(bits("::ffff:10.0.0.1") == 32);
  CHECK(bits("0.0.0.0/0") == 0);
  for (const std::string_view text : {"10.0.0.0/33", "::/129", "::ffff:10.0.0.0/95", "10.0.0.0/",
                                      "10.0.0.0/-1", "10.0.0.0/8/8", "/8", "10.0.0.0 /8"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_ip_range(text));
  }
}
