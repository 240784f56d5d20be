#include "tests/net/http/friendly_heads.h"

#include "net/http/head_reader.h"
#include "tests/support/catch.h"

namespace crier::net {
namespace {

void check_fields(const Request& request, const FriendlyHead& row) {
  CHECK(request.method == row.method);
  CHECK(request.path == row.path);
  CHECK(request.query == row.query);
  CHECK(request.host == row.host);
  CHECK(request.accept == row.accept);
  CHECK(request.has_accept == !row.accept.empty());
  CHECK(request.origin == row.origin);
  CHECK(request.has_origin == !row.origin.empty());
  CHECK(request.last_event_id == row.last_event_id);
  CHECK(request.has_last_event_id == !row.last_event_id.empty());
  CHECK(request.keep_alive == row.keep_alive);
  CHECK(request.content_length == 0);
  CHECK_FALSE(request.expect_continue);
}

}  // namespace

TEST_CASE("heads of real clients are accepted, however they are cut") {
  const std::vector<FriendlyHead> heads = friendly_heads();
  REQUIRE(heads.size() >= 30);
  for (const FriendlyHead& row : heads) {
    INFO(row.name);
    HeadReader reader(HeadLimits{});
    std::size_t used = 0;
    REQUIRE(reader.consume(row.bytes, used) == HeadProgress::complete);
    CHECK(used == row.bytes.size());
    check_fields(reader.request(), row);

    reader.reset();
    for (std::size_t i = 0; i < row.bytes.size(); ++i) {
      const HeadProgress progress = reader.consume(std::string_view(row.bytes).substr(i, 1), used);
      REQUIRE(progress == (i + 1 < row.bytes.size() ? HeadProgress::more : HeadProgress::complete));
      REQUIRE(used == 1);
    }
    check_fields(reader.request(), row);
    CHECK_FALSE(reader.parsers_disagreed());
  }
}

TEST_CASE("the publish socket takes the same heads") {
  for (const FriendlyHead& row : friendly_heads()) {
    INFO(row.name);
    HeadReader reader(HeadLimits{.head_bytes_max = 8 * 1024, .bodies = true});
    std::size_t used = 0;
    REQUIRE(reader.consume(row.bytes, used) == HeadProgress::complete);
    check_fields(reader.request(), row);
  }
}

}  // namespace crier::net
