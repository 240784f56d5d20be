#include "net/http/reply.h"

#include <string>
#include <string_view>
#include <vector>

#include "net/http/head_refusals.h"
#include "tests/support/catch.h"

namespace crier::net {
namespace {

constexpr Refusal kRefusal{404, "not_found", "There is nothing \"here\"."};

// The parts of a response, for comparing the headers without regard to their order.
struct Parsed {
  std::string status_line;
  std::vector<std::string> fields;
  std::string body;

  // The value of the one field of this name; "(n)" if there are n others.
  std::string value(std::string_view name) const {
    std::vector<std::string> found;
    const std::string prefix = std::string(name) + ": ";
    for (const std::string& field : fields) {
      if (field.starts_with(prefix)) found.push_back(field.substr(prefix.size()));
    }
    return found.size() == 1 ? found.front() : "(" + std::to_string(found.size()) + ")";
  }
};

Parsed parse(const std::string& bytes) {
  Parsed parsed;
  const std::size_t end = bytes.find("\r\n\r\n");
  REQUIRE(end != std::string::npos);
  std::size_t at = bytes.find("\r\n");
  parsed.status_line = bytes.substr(0, at);
  while (at < end) {
    const std::size_t next = bytes.find("\r\n", at + 2);
    parsed.fields.push_back(bytes.substr(at + 2, next - at - 2));
    at = next;
  }
  parsed.body = bytes.substr(end + 4);
  return parsed;
}

Cors shop(OriginVerdict verdict) {
  return {.origin = "https://shop.example", .verdict = verdict};
}

}  // namespace

TEST_CASE("an error is JSON, not cached, and ends the connection") {
  const Parsed reply = parse(error_reply(kRefusal, "t-1"));
  CHECK(reply.status_line == "HTTP/1.1 404 Not Found");
  CHECK(reply.body ==
        "{\"code\":\"not_found\",\"message\":\"There is nothing "
        "\\\"here\\\".\",\"trace_id\":\"t-1\"}\n");
  CHECK(reply.value("Content-Type") == "application/json");
  CHECK(reply.value("Content-Length") == std::to_string(reply.body.size()));
  CHECK(reply.value("Connection") == "close");
  CHECK(reply.value("Cache-Control") == "no-store");
  CHECK(reply.value("X-Content-Type-Options") == "nosniff");
  CHECK(reply.value("X-Trace-Id") == "t-1");
  CHECK(reply.fields.size() == 7);
}

TEST_CASE("an error may have more headers") {
  const Parsed reply = parse(error_reply(kRefusal, "t",
                                         {.keep_alive = true,
                                          .head_only = true,
                                          .allow = "GET, HEAD",
                                          .retry_after_seconds = 7,
                                          .cors = shop(OriginVerdict::listed)}));
  CHECK(reply.body.empty());
  CHECK(reply.value("Content-Length") != "0");
  CHECK(reply.value("Connection") == "keep-alive");
  CHECK(reply.value("Allow") == "GET, HEAD");
  CHECK(reply.value("Retry-After") == "7");
  CHECK(reply.value("Access-Control-Allow-Origin") == "https://shop.example");
  CHECK(reply.value("Vary") == "Origin");
}

TEST_CASE("every refusal of a head has a reason phrase") {
  for (const Refusal& refusal :
       {refusals::kBadStart, refusals::kConnect, refusals::kTargetTooLong, refusals::kHeadTooLarge,
        refusals::kUnknownMethod, refusals::kVersion, refusals::kLengthRequired,
        refusals::kLengthTooLarge, refusals::kExpectation}) {
    CHECK(reason_phrase(refusal.status) != "Unknown");
  }
  CHECK(reason_phrase(299) == "Unknown");
}

TEST_CASE("the head of a stream has exactly the headers of the contract") {
  // http_date_test.cc tests its date.
  const auto head = [](const StreamHead& of) {
    std::string text = stream_head(of);
    return text.erase(text.find("Date: "), 37);
  };
  CHECK(head({.trace_id = "t-1"}) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
        "Cache-Control: no-cache, no-transform\r\nX-Accel-Buffering: no\r\n"
        "X-Content-Type-Options: nosniff\r\nX-Trace-Id: t-1\r\nTransfer-Encoding: chunked\r\n\r\n");
  CHECK(head({.http_1_0 = true, .trace_id = "t-1"}) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
        "Cache-Control: no-cache, no-transform\r\nX-Accel-Buffering: no\r\n"
        "X-Content-Type-Options: nosniff\r\nX-Trace-Id: t-1\r\nConnection: close\r\n\r\n");
}

TEST_CASE("CORS headers by verdict") {
  Request request;
  request.has_origin = true;
  request.origin = "https://shop.example";
  const auto reply = [&request](OriginVerdict verdict) {
    return parse(stream_head({.trace_id = "t", .cors = cors_of(request, verdict)}));
  };
  SECTION("listed: the origin itself, and credentials") {
    const Parsed listed = reply(OriginVerdict::listed);
    CHECK(listed.value("Access-Control-Allow-Origin") == "https://shop.example");
    CHECK(listed.value("Access-Control-Allow-Credentials") == "true");
    CHECK(listed.value("Access-Control-Expose-Headers") == "X-Trace-Id");
    CHECK(listed.value("Vary") == "Origin");
  }
  SECTION("any: never credentials") {
    const Parsed any = reply(OriginVerdict::any);
    CHECK(any.value("Access-Control-Allow-Origin") == "*");
    CHECK(any.value("Access-Control-Allow-Credentials") == "(0)");
  }
  SECTION("all others: no headers") {
    for (const OriginVerdict verdict :
         {OriginVerdict::none, OriginVerdict::same_host, OriginVerdict::refused}) {
      const Parsed other = reply(verdict);
      CHECK(other.value("Access-Control-Allow-Origin") == "(0)");
      CHECK(other.value("Vary") == "(0)");
    }
  }
}

TEST_CASE("a preflight is answered with the methods and headers allowed") {
  Request request;
  request.method = Method::options;
  request.keep_alive = true;
  request.has_origin = true;
  request.origin = "https://shop.example";
  request.access_control_request_method = "GET";
  request.access_control_request_headers =
      "last-event-id, x-evil,AUTHORIZATION, Last-Event-ID, x-consumer-lag, X-Consumer-Throughput";
  const Parsed reply = parse(preflight_reply(request, shop(OriginVerdict::listed)));
  CHECK(reply.status_line == "HTTP/1.1 204 No Content");
  CHECK(reply.value("Access-Control-Allow-Methods") == "GET, HEAD, OPTIONS");
  CHECK(reply.value("Access-Control-Allow-Headers") ==
        "Last-Event-ID, Authorization, X-Consumer-Lag, X-Consumer-Throughput");
  CHECK(reply.value("Access-Control-Max-Age") == "86400");
  CHECK(reply.value("Connection") == "keep-alive");
  CHECK(reply.value("Content-Length") == "(0)");
  CHECK(reply.body.empty());

  request.access_control_request_headers = "x-evil";
  const Parsed bare = parse(preflight_reply(request, shop(OriginVerdict::listed)));
  CHECK(bare.value("Access-Control-Allow-Headers") == "(0)");
}

TEST_CASE("a plain OPTIONS is answered with the methods") {
  const Parsed reply = parse(options_reply("GET, HEAD, OPTIONS", {.keep_alive = true}));
  CHECK(reply.status_line == "HTTP/1.1 204 No Content");
  CHECK(reply.value("Allow") == "GET, HEAD, OPTIONS");
  CHECK(reply.value("Content-Length") == "(0)");
}

TEST_CASE("busy is an event stream that ends") {
  const Parsed reply =
      parse(busy_reply({503, "draining", "Soon."}, 7500, "t-1", shop(OriginVerdict::listed)));
  CHECK(reply.status_line == "HTTP/1.1 200 OK");
  CHECK(reply.value("Content-Type") == "text/event-stream; charset=utf-8");
  CHECK(reply.value("Cache-Control") == "no-store");
  CHECK(reply.value("Connection") == "close");
  CHECK(reply.value("Content-Length") == std::to_string(reply.body.size()));
  CHECK(reply.value("Access-Control-Allow-Origin") == "https://shop.example");
  CHECK(
      reply.body ==
      "event: crier.busy\nretry: 7500\ndata: {\"reason\":\"draining\",\"message\":\"Soon.\"}\n\n");
}

TEST_CASE("programs get a status and Retry-After") {
  const Parsed reply = parse(status_reply({503, "draining", "Soon."}, 12, "t-1"));
  CHECK(reply.status_line == "HTTP/1.1 503 Service Unavailable");
  CHECK(reply.value("Retry-After") == "12");
  CHECK(reply.value("Connection") == "close");
  CHECK(reply.body.find("\"code\":\"draining\"") != std::string::npos);
}

TEST_CASE("a text reply has its type and length") {
  const Parsed reply = parse(text_reply(200, "text/plain", "ok\n", {.keep_alive = true}));
  CHECK(reply.status_line == "HTTP/1.1 200 OK");
  CHECK(reply.value("Content-Type") == "text/plain");
  CHECK(reply.value("Content-Length") == "3");
  CHECK(reply.value("X-Trace-Id") == "(0)");
  CHECK(reply.body == "ok\n");
}

}  // namespace crier::net
