#include "cmd/daemon/control/page_query.h"

#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

TEST_CASE("the query of a page has numbers, and at most a hundred rows") {
  CHECK(parse_page_query("")->after == 0);
  CHECK(parse_page_query("")->limit == 100);
  CHECK(parse_page_query("after=18446744073709551615&limit=1")->after ==
        18'446'744'073'709'551'615U);
  CHECK(parse_page_query("limit=7")->limit == 7);
  for (const char* query :
       {"limit=0", "limit=101", "limit=", "limit=-1", "limit=1x", "after=18446744073709551616",
        "after=x", "limit=1&limit=2", "limt=1", "limit=1&after=2&page=3", "after=%zz"}) {
    CAPTURE(query);
    CHECK_FALSE(parse_page_query(query).has_value());
  }
}

}  // namespace
}  // namespace crier::cmd
