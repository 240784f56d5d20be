#include "net/http/head_reader.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/net/http/hostile_heads.h"
#include "tests/support/catch.h"

namespace crier::net {
namespace {

constexpr HeadLimits kPublic{};
constexpr HeadLimits kPublish{.head_bytes_max = 8 * 1024, .bodies = true};

// Feeds `bytes` in parts of `part` bytes; returns how many were taken.
std::size_t feed(HeadReader& reader, std::string_view bytes, std::size_t part,
                 HeadProgress& progress) {
  std::size_t taken = 0;
  progress = HeadProgress::more;
  while (taken < bytes.size() && progress == HeadProgress::more) {
    std::size_t used = 0;
    progress = reader.consume(bytes.substr(taken, part), used);
    taken += used;
  }
  return taken;
}

void check_refused(const HostileHead& row, const HeadLimits& limits) {
  INFO(row.name);
  std::size_t taken = row.bytes.size();
  for (const std::size_t part : {row.bytes.size(), std::size_t{1}, std::size_t{7}}) {
    INFO("in parts of " << part);
    HeadReader reader(limits);
    HeadProgress progress = HeadProgress::more;
    const std::size_t used = feed(reader, row.bytes, part, progress);
    REQUIRE(progress == HeadProgress::refused);
    CHECK(used == (part == row.bytes.size() ? used : taken));
    taken = used;
    CHECK(reader.refusal().status == row.status);
    CHECK_FALSE(reader.refusal().code.empty());
    CHECK_FALSE(reader.refusal().message.empty());
    CHECK_FALSE(reader.parsers_disagreed());
  }
}

}  // namespace

TEST_CASE("hostile heads are refused, however they are cut") {
  const std::vector<HostileHead> heads = hostile_heads();
  REQUIRE(heads.size() >= 94);
  for (const HostileHead& row : heads) check_refused(row, kPublic);
}

TEST_CASE("hostile heads are refused on the publish socket") {
  for (const HostileHead& row : hostile_publish_heads()) check_refused(row, kPublish);
}

TEST_CASE("every prefix of a good head wants more, and the head ends where it ends") {
  const std::string head =
      "GET /events?topic=a HTTP/1.1\r\nHost: a:80\r\nAccept: text/event-stream\r\n\r\n";
  const std::string bytes = head + "GET /next";
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    INFO("first " << cut << " bytes");
    HeadReader reader(kPublic);
    std::size_t first = 0;
    HeadProgress progress = reader.consume(std::string_view(bytes).substr(0, cut), first);
    CHECK(first == std::min(cut, head.size()));
    CHECK(reader.started() == (cut > 0));
    REQUIRE(progress == (cut < head.size() ? HeadProgress::more : HeadProgress::complete));
    if (progress == HeadProgress::more) {
      std::size_t second = 0;
      progress = reader.consume(std::string_view(bytes).substr(first), second);
      CHECK(first + second == head.size());
    }
    REQUIRE(progress == HeadProgress::complete);
    CHECK(reader.request().query == "topic=a");
    std::size_t more = 0;
    CHECK(reader.consume("GET", more) == HeadProgress::complete);
    CHECK(more == 0);
  }
}

TEST_CASE("a reader reads one request after the other") {
  HeadReader reader(kPublic);
  const std::string large =
      "GET /1 HTTP/1.1\r\nHost: a\r\nOrigin: http://a\r\nX: " + std::string(9000, 'x') + "\r\n\r\n";
  const std::string bytes =
      large + "HEAD /2 HTTP/1.0\r\n\r\n" + "\r\nGET /3 HTTP/1.1\r\nHost: b\r\n\r\n";
  HeadProgress progress = HeadProgress::more;
  std::size_t at = feed(reader, bytes, bytes.size(), progress);
  REQUIRE(progress == HeadProgress::complete);
  CHECK(at == large.size());
  CHECK(reader.request().path == "/1");

  reader.reset();
  CHECK_FALSE(reader.started());
  at += feed(reader, bytes.substr(at), bytes.size(), progress);
  REQUIRE(progress == HeadProgress::complete);
  CHECK(reader.request().method == Method::head);
  CHECK(reader.request().http_1_0);
  CHECK_FALSE(reader.request().keep_alive);
  CHECK_FALSE(reader.request().has_origin);
  CHECK(reader.request().host.empty());

  reader.reset();
  at += feed(reader, bytes.substr(at), bytes.size(), progress);
  REQUIRE(progress == HeadProgress::complete);
  CHECK(reader.request().path == "/3");
  CHECK(reader.request().keep_alive);
  CHECK(at == bytes.size());

  reader.reset();
  feed(reader, "GET / HTTP/3.0\r\n", 100, progress);
  CHECK(progress == HeadProgress::refused);
  reader.reset();
  feed(reader, "GET /4 HTTP/1.1\r\nHost: b\r\n\r\n", 100, progress);
  CHECK(progress == HeadProgress::complete);
}

TEST_CASE("a value equal to its limit passes") {
  const auto read = [](const std::string& bytes, const HeadLimits& limits) {
    HeadReader reader(limits);
    HeadProgress progress = HeadProgress::more;
    feed(reader, bytes, bytes.size(), progress);
    return progress == HeadProgress::refused ? reader.refusal().status : 200;
  };
  SECTION("of the head") {
    const auto head = [](std::size_t size) {
      const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
      return start + std::string(size - start.size() - 4, 'x') + "\r\n\r\n";
    };
    CHECK(read(head(2000), {.head_bytes_max = 2000}) == 200);
    CHECK(read(head(2001), {.head_bytes_max = 2000}) == 431);
    CHECK(read(head(16 * 1024), kPublic) == 200);
    CHECK(read(head(16 * 1024 + 1), kPublic) == 431);
  }
  SECTION("of the target") {
    const auto head = [](std::size_t size) {
      return "GET /" + std::string(size - 1, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n";
    };
    CHECK(read(head(8192), kPublic) == 200);
    CHECK(read(head(8193), kPublic) == 414);
    CHECK(read(head(500), {.head_bytes_max = 300}) == 414);
    const auto asking = [](std::size_t size) {
      return "GET /?" + std::string(size - 2, '|') + " HTTP/1.1\r\nHost: a\r\n\r\n";
    };
    CHECK(read(asking(40), {.target_bytes_max = 40}) == 200);
    CHECK(read(asking(41), {.target_bytes_max = 40}) == 414);
    CHECK(read(asking(2), {.target_bytes_max = 1}) == 414);
    CHECK(read(asking(500), {.head_bytes_max = 300}) == 414);
  }
  SECTION("of the fields") {
    const std::string head = "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nX: 2\r\n\r\n";
    CHECK(read(head, {.fields_max = 3}) == 200);
    CHECK(read(head, {.fields_max = 2}) == 431);
  }
}

TEST_CASE("fields that may be repeated") {
  const auto head = [](std::string_view lines) {
    return "GET /events HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n";
  };
  HeadReader reader(kPublic);
  HeadProgress progress = HeadProgress::more;
  SECTION("several Accept lines are one list") {
    feed(reader, head("Accept: text/html\r\nAccept: text/event-stream\r\nAccept: a/b\r\n"), 3,
         progress);
    REQUIRE(progress == HeadProgress::complete);
    CHECK(reader.request().accept == "text/html, text/event-stream, a/b");
  }
  SECTION("an empty Accept counts as sent") {
    feed(reader, head("Accept:\r\n"), 100, progress);
    REQUIRE(progress == HeadProgress::complete);
    CHECK(reader.request().has_accept);
    CHECK(reader.request().accept.empty());
  }
  SECTION("two ids are an unknown id") {
    feed(reader, head("Last-Event-ID: a\r\nLast-Event-ID: b\r\n"), 100, progress);
    REQUIRE(progress == HeadProgress::complete);
    CHECK(reader.request().has_last_event_id);
    CHECK(reader.request().last_event_id != "a");
    CHECK(reader.request().last_event_id != "b");
    CHECK_FALSE(reader.request().last_event_id.empty());
  }
  SECTION("close wins over keep-alive") {
    feed(reader, head("Connection: keep-alive\r\nConnection: foo , CLOSE\r\n"), 100, progress);
    REQUIRE(progress == HeadProgress::complete);
    CHECK_FALSE(reader.request().keep_alive);
  }
  SECTION("names with an underscore are other names") {
    feed(reader, head("Transfer_Encoding: chunked\r\nContent_Length: 5\r\nLast_Event_ID: 7\r\n"),
         100, progress);
    REQUIRE(progress == HeadProgress::complete);
    CHECK_FALSE(reader.request().has_last_event_id);
    CHECK(reader.request().content_length == 0);
  }
}

TEST_CASE("bodies on the publish socket") {
  HeadReader reader(kPublish);
  HeadProgress progress = HeadProgress::more;
  const std::string head =
      "POST /topics/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999999\r\n"
      "Content-Type: application/json\r\nIdempotency-Key: k-1\r\nExpect: 100-Continue\r\n\r\n";
  CHECK(feed(reader, head + "{\"data\":1}", 1000, progress) == head.size());
  REQUIRE(progress == HeadProgress::complete);
  const Request& request = reader.request();
  CHECK(request.method == Method::post);
  CHECK(request.content_length == 9'999'999'999);
  CHECK(request.content_type == "application/json");
  CHECK(request.has_idempotency_key);
  CHECK(request.idempotency_key == "k-1");
  CHECK(request.expect_continue);
}

TEST_CASE("a POST may have neither length nor body where the limits say so") {
  HeadReader reader(HeadLimits{.bodies = true, .empty_posts = true});
  HeadProgress progress = HeadProgress::more;
  feed(reader, "POST /debug/log HTTP/1.1\r\nHost: a\r\n\r\n", 1000, progress);
  REQUIRE(progress == HeadProgress::complete);
  CHECK(reader.request().content_length == 0);
  CHECK_FALSE(reader.request().chunked);
}

TEST_CASE("chunked bodies on the publish socket") {
  for (const std::string_view name : {"chunked", "CHUNKED", " \tchunked"}) {
    INFO(name);
    HeadReader reader(kPublish);
    HeadProgress progress = HeadProgress::more;
    const std::string head =
        "POST /topics/a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
        "transfer-encoding:" +
        std::string(name) + "\r\n\r\n";
    CHECK(feed(reader, head + "0\r\n\r\n", 1000, progress) == head.size());
    REQUIRE(progress == HeadProgress::complete);
    CHECK(reader.request().chunked);
    CHECK(reader.request().content_length == 0);
    CHECK(reader.request().expect_continue);
    reader.reset();
    feed(reader, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", 1000, progress);
    CHECK_FALSE(reader.request().chunked);
  }
}

TEST_CASE("other known methods reach the handler, which answers 405") {
  for (const std::string_view method : {"PUT", "DELETE", "PATCH", "TRACE"}) {
    INFO(method);
    HeadReader reader(kPublic);
    HeadProgress progress = HeadProgress::more;
    feed(reader, std::string(method) + " /events HTTP/1.1\r\nHost: a\r\n\r\n", 1000, progress);
    REQUIRE(progress == HeadProgress::complete);
    CHECK(reader.request().method == Method::other);
    CHECK(reader.request().method_text == method);
  }
}

}  // namespace crier::net
