#include "core/text/trace_id.h"

#include "tests/support/catch.h"

using namespace crier;

TEST_CASE("a trace id is read and written as 32 lower-case hexadecimal digits") {
  const std::string_view text = "0af7651916cd43dd8448eb211c80319c";
  const auto id = parse_trace_id(text);
  REQUIRE(id.has_value());
  CHECK(id->high == 0x0af7651916cd43dd);
  CHECK(id->low == 0x8448eb211c80319c);
  CHECK(to_string(*id) == text);
  CHECK(to_string(TraceId{1, 2}) == "00000000000000010000000000000002");
}

TEST_CASE("text of another form is not a trace id") {
  const auto text =
      GENERATE(as<std::string_view>(), "", "0af7651916cd43dd8448eb211c80319",
               "0af7651916cd43dd8448eb211c80319c0", "0AF7651916CD43DD8448EB211C80319C",
               "0af7651916cd43dd8448eb211c80319g", "checkout-4711");
  INFO(text);
  CHECK_FALSE(parse_trace_id(text).has_value());
}
