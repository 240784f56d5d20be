#include "net/http/negotiate.h"

#include <string>
#include <string_view>
#include <vector>

#include "tests/support/catch.h"

namespace crier::net {
namespace {

struct AcceptRow {
  std::string_view accept;
  bool accepted;
  bool named;
};

struct OriginRow {
  std::string_view name;
  std::string_view origin;
  std::string_view host;
  std::vector<std::string> listed;
  OriginVerdict verdict;
};

}  // namespace

TEST_CASE("Accept decides whether an event stream may be sent") {
  const AcceptRow row = GENERATE(values<AcceptRow>({
      {"text/event-stream", true, true},
      {"Text/Event-Stream", true, true},
      {"text/event-stream; charset=utf-8", true, true},
      {"text/event-stream;q=0.1", true, true},
      {"text/event-stream;q=0.001", true, true},
      {"text/event-stream;q=0", false, true},
      {"text/event-stream; q=0.000", false, true},
      {"text/event-stream ;Q=0.", false, true},
      {"text/event-stream;q=", true, true},
      {"text/*", true, false},
      {"*/*", true, false},
      {"*/*;q=0.8", true, false},
      {"*/*;q=0", false, false},
      {"text/*;q=0, */*", false, false},
      {"*/*, text/*;q=0", false, false},
      {"*/*;q=0, text/event-stream", true, true},
      {"text/event-stream;q=0, text/*, */*", false, true},
      {"text/html, application/json", false, false},
      {"text/html,application/xml;q=0.9,*/*;q=0.8", true, false},
      {"application/json", false, false},
      {"text/event-streams", false, false},
      {"text/event-stream/x", false, false},
      {"text", false, false},
      {"", true, false},
      {" , ,", true, false},
      {"a/b;x=\",text/event-stream\"", false, false},
      {"a/b;x=\"\\\",\", text/event-stream", true, true},
  }));
  INFO(row.accept);
  Request request;
  request.has_accept = true;
  request.accept = row.accept;
  CHECK(accepts_event_stream(request) == row.accepted);
  CHECK(names_event_stream(request) == row.named);
}

TEST_CASE("without Accept everything is acceptable and nothing is named") {
  CHECK(accepts_event_stream(Request{}));
  CHECK_FALSE(names_event_stream(Request{}));
}

TEST_CASE("origins") {
  const std::vector<std::string> shop = {"https://shop.example", "http://localhost:3000"};
  const auto [name, origin, host, listed, verdict] = GENERATE_COPY(values<OriginRow>({
      {"listed", "https://shop.example", "a", shop, OriginVerdict::listed},
      {"listed with a port", "http://localhost:3000", "a", shop, OriginVerdict::listed},
      {"other port", "http://localhost:3001", "a", shop, OriginVerdict::refused},
      {"other scheme", "http://shop.example", "a", shop, OriginVerdict::refused},
      {"subdomain", "https://x.shop.example", "a", shop, OriginVerdict::refused},
      {"tail", "https://shop.example.evil", "a", shop, OriginVerdict::refused},
      {"slash", "https://shop.example/", "a", shop, OriginVerdict::refused},
      {"upper case", "https://SHOP.example", "a", shop, OriginVerdict::refused},
      {"two", "https://shop.example https://b", "a", shop, OriginVerdict::refused},
      {"empty", "", "a", shop, OriginVerdict::refused},
      {"null", "null", "null", {"null", "*"}, OriginVerdict::refused},
      {"the same host", "http://a", "a", {}, OriginVerdict::same_host},
      {"the same host over TLS",
       "https://A.example:8443",
       "a.example:8443",
       {},
       OriginVerdict::same_host},
      {"same host, other port", "http://a:81", "a:80", {}, OriginVerdict::refused},
      {"other scheme of the same host", "file://a", "a", {}, OriginVerdict::refused},
      {"no host to compare with", "http://", "", {}, OriginVerdict::refused},
      {"listed and the same host", "https://shop.example", "shop.example", shop,
       OriginVerdict::listed},
      {"any", "https://b", "a", {"*"}, OriginVerdict::any},
      {"listed beside any", "https://b", "a", {"*", "https://b"}, OriginVerdict::listed},
      {"asterisk as an origin", "*", "a", {"*"}, OriginVerdict::any},
      {"none listed", "https://b", "a", {}, OriginVerdict::refused},
  }));
  INFO(name);
  Request request;
  request.has_origin = true;
  request.origin = origin;
  request.host = host;
  CHECK(judge_origin(request, listed) == verdict);
}

TEST_CASE("a request without Origin gets no verdict") {
  CHECK(judge_origin(Request{}, {"https://a"}) == OriginVerdict::none);
}

TEST_CASE("hosts that are safe from DNS rebinding") {
  const std::vector<std::string> listed = {"metrics.example", "Crier.Example:8081"};
  for (const std::string_view host :
       {"127.0.0.1", "127.0.0.1:8081", "10.1.2.3", "[::1]", "[::1]:8081", "localhost",
        "LOCALHOST:1", "metrics.example", "METRICS.example:9", "crier.example"}) {
    INFO(host);
    CHECK(host_allowed(host, listed));
  }
  for (const std::string_view host :
       {"", "evil.example", "metrics.example.evil", "localhost.evil", "127.0.0.1.evil", "1.2.3",
        "1.2.3.4.5", "256.1.1.1", "1.2.3.", "0x7f.0.0.1", "127.1", "2130706433", "[", "::1", ":80",
        "metrics.example:", "a b"}) {
    INFO(host);
    CHECK_FALSE(host_allowed(host, listed));
  }
}

TEST_CASE("a preflight is an OPTIONS that says what will follow") {
  Request request;
  request.method = Method::options;
  CHECK_FALSE(is_preflight(request));
  request.has_origin = true;
  request.origin = "https://a";
  CHECK_FALSE(is_preflight(request));
  request.access_control_request_method = "GET";
  CHECK(is_preflight(request));
  request.method = Method::get;
  CHECK_FALSE(is_preflight(request));
}

TEST_CASE("trace ids of clients are used if they are fit to be repeated") {
  Request request;
  CHECK(trace_id_of(request).empty());
  request.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  CHECK(trace_id_of(request) == "0af7651916cd43dd8448eb211c80319c");
  request.trace_id = "order-7.A_b";
  CHECK(trace_id_of(request) == "order-7.A_b");
  for (const std::string_view unfit : {"a b", "a\"b", "a\xC3\xA9", "a,b", "a/b"}) {
    INFO(unfit);
    request.trace_id = unfit;
    CHECK(trace_id_of(request) == "0af7651916cd43dd8448eb211c80319c");
  }
  const std::string too_long(65, 'a');
  request.trace_id = too_long;
  CHECK(trace_id_of(request) == "0af7651916cd43dd8448eb211c80319c");
  for (const std::string_view unfit : {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
                                       "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
                                       "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                                       "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                                       "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                                       "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01"}) {
    INFO(unfit);
    request.traceparent = unfit;
    CHECK(trace_id_of(request).empty());
  }
}

}  // namespace crier::net
