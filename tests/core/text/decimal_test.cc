#include "core/text/decimal.h"

#include <cstdint>
#include <string_view>

#include "tests/support/catch.h"

using namespace crier;

TEST_CASE("digits are read as a number, other text is refused") {
  CHECK(parse_decimal<std::uint64_t>("0") == 0);
  CHECK(parse_decimal<std::uint64_t>("007") == 7);
  CHECK(parse_decimal<std::uint64_t>("18446744073709551615") == 18'446'744'073'709'551'615U);
  CHECK(parse_decimal<std::uint16_t>("65535") == 65'535);
  for (const std::string_view text : {"", "-1", "+1", " 1", "1 ", "1x", "0x1", "1.0", "x"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_decimal<std::uint64_t>(text).has_value());
  }
  CHECK_FALSE(parse_decimal<std::uint64_t>("18446744073709551616").has_value());
  CHECK_FALSE(parse_decimal<std::uint16_t>("65536").has_value());
  CHECK_FALSE(parse_decimal<std::uint64_t>(std::string_view("1\0", 2)).has_value());
}
