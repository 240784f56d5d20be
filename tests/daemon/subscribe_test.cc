// The subscriber endpoint, from outside: heads, answers that are no streams, and what a stream
// begins with.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

using Json = nlohmann::json;

constexpr const char* kStreamType = "text/event-stream; charset=utf-8";

void check_stream_fields(const HttpAnswer& head) {
  CHECK(head.status == 200);
  CHECK(head.field("content-type") == kStreamType);
  CHECK(head.field("cache-control") == "no-cache, no-transform");
  CHECK(head.field("x-accel-buffering") == "no");
  CHECK(head.field("x-content-type-options") == "nosniff");
  CHECK_FALSE(head.field("x-trace-id").empty());
}

TEST_CASE("a stream begins with its position and goes on with events") {
  const RunningDaemon daemon;
  const std::string id = daemon.publish("a", "before");
  const std::string target = GENERATE("/events?topic=a", "/events/a", "/events?topic=b&topic=a");
  const bool old = GENERATE(false, true);
  INFO(target << (old ? " by HTTP/1.0" : ""));
  Subscriber subscriber = daemon.subscribe(target, {.http_1_0 = old});
  check_stream_fields(subscriber.head());
  CHECK(subscriber.head().field("transfer-encoding") == (old ? "" : "chunked"));
  CHECK(subscriber.head().fields.count("content-length") == 0);
  CHECK(subscriber.head().fields.count("access-control-allow-origin") == 0);

  const SseMessage open = subscriber.next();
  CHECK(open.event == "crier.open");
  CHECK(open.last_event_id == id);
  CHECK(Json::parse(open.data) == Json{{"position", id}});
  REQUIRE(subscriber.retry_ms().has_value());
  CHECK(*subscriber.retry_ms() >= 1'000);
  CHECK(*subscriber.retry_ms() <= 3'000);

  const std::string next_id = daemon.publish("a", "after");
  const SseMessage event = subscriber.next();
  CHECK(event.data == "after");
  CHECK(event.last_event_id == next_id);
}

struct RefusedSubscription {
  std::string name, method, target, fields;
  int status;
  std::string code_holds;  // Not empty: part of the message.
};

std::vector<RefusedSubscription> refused_subscriptions() {
  const std::string topics_65 = [] {
    std::string query = "/events?topic=t0";
    for (int i = 1; i < 65; ++i) query += "&topic=t" + std::to_string(i);
    return query;
  }();
  return {
      {"an unknown path", "GET", "/nowhere", "", 404, ""},
      {"no topic", "GET", "/events", "", 400, "topic"},
      {"a malformed topic", "GET", "/events?topic=a..b", "", 400, ""},
      {"an invalid escape", "GET", "/events?topic=%zz", "", 400, ""},
      {"too many topics", "GET", topics_65, "", 400, "limits.topics_per_stream_max"},
      {"a pattern", "GET", "/events?topic=a.*", "", 403, "subscribe.patterns"},
      {"everything", "GET", "/events?topic=%3E", "", 403, "subscribe.patterns"},
      {"a class closed to subscribers", "GET", "/events?topic=inner.x", "", 403, ""},
      {"a page of another site", "GET", "/events?topic=a", "Origin: https://evil.example\r\n", 403,
       "http.origins"},
      {"the origin null", "GET", "/events?topic=a", "Origin: null\r\n", 403, "over http or https"},
      {"only HTML is accepted", "GET", "/events?topic=a", "Accept: text/html\r\n", 406, ""},
      {"a quality of nothing", "GET", "/events?topic=a", "Accept: text/event-stream;q=0\r\n", 406,
       ""},
      {"another method", "DELETE", "/events?topic=a", "", 405, "publish socket"},
      {"publishing", "POST", "/topics/a", "Content-Length: 5\r\n", 405, "publish socket"},
      {"publishing nothing", "POST", "/topics/a", "Content-Length: 0\r\n", 405, "publish socket"},
      {"publishing to a stream", "POST", "/events/a", "Content-Length: 5\r\n", 405,
       "publish socket"},
      {"a long target", "GET", "/events?topic=" + std::string(9'000, 'a'), "", 414, ""},
      {"a large head", "GET", "/events?topic=a", "X: " + std::string(20'000, 'a') + "\r\n", 431,
       ""},
  };
}

TEST_CASE("what is no stream is an error as JSON, and the daemon serves on") {
  const RunningDaemon daemon(
      {.configuration = R"({"topics": [{"match": "inner.>", "subscribe": false}]})"});
  for (const RefusedSubscription& row : refused_subscriptions()) {
    INFO(row.name);
    RawSocket socket = daemon.connect();
    socket.send(row.method + " " + row.target + " HTTP/1.1\r\nHost: localhost\r\n" + row.fields +
                "\r\n");
    const HttpAnswer answer = socket.read_answer();
    CHECK(answer.status == row.status);
    CHECK(answer.field("content-type").starts_with("application/json"));
    const Json error = Json::parse(answer.body);
    CHECK_FALSE(error.at("code").get<std::string>().empty());
    CHECK(error.at("message").get<std::string>().find(row.code_holds) != std::string::npos);
    CHECK_FALSE(error.at("trace_id").get<std::string>().empty());
    if (row.status == 405) CHECK(answer.field("allow").find("GET") != std::string::npos);
    CHECK(daemon.get("/healthz").status == 200);
  }
}

TEST_CASE("where http.hosts lists names, others are refused and these served") {
  const RunningDaemon daemon({.settings = {"http.hosts=events.example"}});
  const auto ask = [&](const std::string& host) {
    RawSocket socket = daemon.connect();
    socket.send("HEAD /events?topic=a HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
    return socket.read_answer(true).status;
  };
  for (const char* host : {"evil.example", "events.example.evil.example", "xevents.example"}) {
    CHECK(ask(host) == 403);
  }
  for (const char* host : {"events.example", "EVENTS.example:8080", "localhost", "127.0.0.1:1"}) {
    CHECK(ask(host) == 200);
  }
  RawSocket socket = daemon.connect();
  socket.send("GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  CHECK(socket.read_answer().body.find("http.hosts") != std::string::npos);
  CHECK(daemon.subscribe("/events?topic=a").next().event == "crier.open");
}

TEST_CASE("HEAD gets the head and takes no slot") {
  const RunningDaemon daemon({.settings = {"limits.streams_max=8"}});
  for (int i = 0; i < 20; ++i) {
    RawSocket socket = daemon.connect();
    const std::string request = "HEAD /events?topic=a HTTP/1.1\r\nHost: localhost\r\n";
    socket.send(request + "\r\n");
    check_stream_fields(socket.read_answer(true));
    socket.send(request + "Connection: close\r\n\r\n");  // Kept alive until told otherwise.
    check_stream_fields(socket.read_answer(true));
    CHECK(socket.read_to_end().empty());
  }
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  CHECK(subscriber.next().event == "crier.open");
}

TEST_CASE("pages of listed origins and of the own host may subscribe") {
  const RunningDaemon daemon({.configuration = R"({"http": {"origins": ["https://a.example"]}})"});
  const std::string listed = "Origin: https://a.example\r\n";
  {
    Subscriber subscriber = daemon.subscribe("/events?topic=a", {.fields = listed});
    CHECK(subscriber.head().status == 200);
    CHECK(subscriber.head().field("access-control-allow-origin") == "https://a.example");
    CHECK(subscriber.head().field("vary").find("Origin") != std::string::npos);
  }
  {
    Subscriber subscriber =
        daemon.subscribe("/events?topic=a", {.fields = "Origin: http://localhost\r\n"});
    CHECK(subscriber.head().status == 200);
  }
  RawSocket socket = daemon.connect();
  socket.send("OPTIONS /events?topic=a HTTP/1.1\r\nHost: localhost\r\n" + listed +
              "Access-Control-Request-Method: GET\r\n"
              "Access-Control-Request-Headers: last-event-id\r\n\r\n");
  const HttpAnswer preflight = socket.read_answer();
  CHECK(preflight.status == 204);
  CHECK(preflight.field("access-control-allow-origin") == "https://a.example");
  CHECK(preflight.field("access-control-allow-methods").find("GET") != std::string::npos);
  std::string allowed = preflight.field("access-control-allow-headers");
  for (char& c : allowed) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  CHECK(allowed.find("last-event-id") != std::string::npos);
}

TEST_CASE("OPTIONS without a page behind it tells the methods") {
  const RunningDaemon daemon;
  RawSocket socket = daemon.connect();
  socket.send("OPTIONS /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const HttpAnswer answer = socket.read_answer();
  CHECK(answer.status == 204);
  CHECK(answer.field("allow").find("GET") != std::string::npos);
  socket.send("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const HttpAnswer everything = socket.read_answer();
  CHECK(everything.status == 204);
  CHECK(everything.field("allow") == answer.field("allow"));
}

TEST_CASE("old clients may ask for padding") {
  const RunningDaemon daemon;
  const std::string parameter = GENERATE("padding=true", "evs_preamble=1");
  Subscriber subscriber = daemon.subscribe("/events?topic=a&" + parameter);
  CHECK(subscriber.next().event == "crier.open");
  CHECK(subscriber.text().starts_with(":"));
  CHECK(subscriber.text().find("event:") >= 2'048);
}

TEST_CASE("patterns, where they are allowed, get what they match") {
  const RunningDaemon daemon({.settings = {"subscribe.patterns=allow"}});
  Subscriber one = daemon.subscribe("/events?topic=a.*&topic=a.b");
  Subscriber all = daemon.subscribe("/events?topic=%3E");
  REQUIRE(one.next().event == "crier.open");
  REQUIRE(all.next().event == "crier.open");
  for (const char* topic : {"a", "a.b", "a.b.c", "a.d"}) daemon.publish(topic, topic);
  CHECK(one.next().data == "a.b");  // Once, though both subscriptions match it.
  CHECK(one.next().data == "a.d");
  for (const char* topic : {"a", "a.b", "a.b.c", "a.d"}) CHECK(all.next().data == topic);
}

TEST_CASE("a heartbeat is one line without an event") {
  const RunningDaemon daemon({.settings = {"heartbeat.interval_seconds=1"}});
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  const std::size_t opened = subscriber.text().size();
  CHECK_FALSE(subscriber.try_next(3'500).has_value());
  const std::string beats = subscriber.text().substr(opened);
  CHECK(beats.size() >= 4);
  for (std::size_t i = 0; i < beats.size(); i += 2) CHECK(beats.substr(i, 2) == ":\n");
}

TEST_CASE("the head of a request may come byte by byte") {
  const RunningDaemon daemon;
  RawSocket socket = daemon.connect();
  socket.send_each_byte("GET /events?topic=a HTTP/1.1\r\nHost: localhost\r\n\r\n");
  check_stream_fields(socket.read_head());
}

TEST_CASE("admin answers health, readiness and metrics") {
  const RunningDaemon daemon;
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  CHECK(daemon.admin_get("/healthz").status == 200);
  CHECK(daemon.admin_get("/readyz").status == 200);
  CHECK(daemon.admin_get("/").status == 200);
  CHECK(daemon.admin_get("/debug/config").status == 404);  // admin.debug is off.
  const HttpAnswer metrics = daemon.admin_get("/metrics");
  CHECK(metrics.status == 200);
  const auto counted = [&] {
    return daemon.admin_get("/metrics").body.find("\ncrier_stream_active_connections 1\n") !=
           std::string::npos;
  };
  CHECK(wait_until(kPatienceMs, counted));  // A worker counts at the end of its turn.

  RawSocket rebound = daemon.connect_admin();
  rebound.send("GET /metrics HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  CHECK(rebound.read_answer().status == 403);
}

}  // namespace
}  // namespace crier::tests
