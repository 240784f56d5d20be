#include "net/http/http_date.h"

#include <chrono>
#include <cstdint>

#include "net/http/reply.h"
#include "tests/support/catch.h"

namespace crier::net {

TEST_CASE("dates as HTTP writes them") {
  CHECK(http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(http_date(784'111'777) == "Sun, 06 Nov 1994 08:49:37 GMT");  // RFC 9110's example.
  CHECK(http_date(951'825'599) == "Tue, 29 Feb 2000 11:59:59 GMT");
  CHECK(http_date(4'102'444'799) == "Thu, 31 Dec 2099 23:59:59 GMT");
  CHECK(http_date(253'402'300'799) == "Fri, 31 Dec 9999 23:59:59 GMT");
}

TEST_CASE("every answer has the date at which it was made") {
  const auto now = [] {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::floor<std::chrono::seconds>(since).count();
  };
  for (const std::string& reply :
       {text_reply(200, "text/plain", "ok\n"), stream_head({.trace_id = "t"}),
        error_reply({404, "not_found", "No."}, "t"), options_reply("GET")}) {
    INFO(reply);
    const std::size_t at = reply.find("\r\nDate: ");
    REQUIRE(at != std::string::npos);
    CHECK(reply.find("\r\nDate: ", at + 1) == std::string::npos);
    const std::string date = reply.substr(at + 8, 29);
    const std::int64_t second = now();
    CHECK((date == http_date(second) || date == http_date(second - 1)));
    CHECK(reply.substr(at + 37, 2) == "\r\n");
  }
}

}  // namespace crier::net
