#include "cmd/admin_routes.h"

#include <unistd.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http_server.h"
#include "net/signals.h"
#include "net/unix_socket.h"
#include "tests/net/http_client.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
using nlohmann::json;

// Keeps what it is asked until the test answers.
class FakeQueries : public WorkerQueries {
 public:
  void count_subscribers(
      std::vector<std::string> topics,
      std::function<void(std::optional<std::vector<std::uint64_t>>)> done) override {
    asked_topics = std::move(topics);
    counted = std::move(done);
  }
  void list_streams(std::uint64_t cursor, std::size_t limit,
                    std::function<void(std::optional<StreamPage>)> done) override {
    asked_cursor = cursor;
    asked_limit = limit;
    listed = std::move(done);
  }

  std::vector<WorkerRow> list_workers() const override { return workers; }

  std::vector<WorkerRow> workers;
  std::vector<std::string> asked_topics;
  std::uint64_t asked_cursor = 0;
  std::size_t asked_limit = 0;
  std::function<void(std::optional<std::vector<std::uint64_t>>)> counted;
  std::function<void(std::optional<StreamPage>)> listed;
};

class FakeReadiness : public Readiness {
 public:
  std::string_view why_not_ready() const override { return why_not; }
  std::string why_not;
};

broadcast::LogOptions log_options() {
  return {.epoch = Epoch::from_random(7),
          .topic_key = {},
          .classes = std::make_shared<const broadcast::TopicClasses>(broadcast::TopicClass{})};
}

struct Reply {
  int status = 0;
  std::string head;
  std::string body;
};

// The routes behind a real server on a Unix socket.
struct Served {
  Served() {
    net::ignore_broken_pipes();
    catalogue.counter("things_total", "Things.").add(things);
    server = std::make_unique<net::HttpServer>(loop, routes, net::HttpServerOptions{});
    const std::string name =
        "crier-admin-" + std::to_string(::getpid()) + "-" + std::to_string(++served);
    path = std::filesystem::temp_directory_path() / name;
    auto opened = net::UnixListener::open({.path = path});
    REQUIRE(opened.has_value());
    listener = std::make_unique<net::UnixListener>(std::move(*opened));
    REQUIRE(server->listen(listener->fd()).has_value());
  }
  ~Served() {
    server.reset();
    listener.reset();
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    std::filesystem::remove(path + ".lock", ignored);
  }

  void send(net::http_test::Client& client, std::string_view target,
            std::string_view method = "GET", std::string_view fields = "Host: localhost\r\n") {
    client.send(std::string(method) + " " + std::string(target) +
                " HTTP/1.1\r\nConnection: close\r\n" + std::string(fields) + "\r\n");
  }

  static Reply read(net::http_test::Client& client) {
    const std::string text = client.receive_all();
    REQUIRE_THAT(text, StartsWith("HTTP/1.1 "));
    const std::size_t end = text.find("\r\n\r\n");
    REQUIRE(end != std::string::npos);
    return {std::stoi(text.substr(9, 3)), text.substr(0, end + 2), text.substr(end + 4)};
  }

  Reply get(std::string_view target, std::string_view method = "GET",
            std::string_view fields = "Host: localhost\r\n") {
    net::http_test::Client client(loop, path);
    send(client, target, method, fields);
    return read(client);
  }

  static inline int served = 0;
  Counter things;
  config::Config config;
  metrics::Catalogue catalogue;
  FakeReadiness readiness;
  broadcast::Log log{log_options()};
  FakeQueries queries;
  AdminRoutes routes{{.config = config,
                      .catalogue = catalogue,
                      .readiness = readiness,
                      .log = log,
                      .workers = queries}};
  net::Loop loop;
  std::string path;
  std::unique_ptr<net::UnixListener> listener;
  std::unique_ptr<net::HttpServer> server;  // Goes before the listener and the loop.
};

TEST_CASE("metrics are those of the moment, as Prometheus text") {
  Served served;
  served.things.add(3);
  const Reply reply = served.get("/metrics");
  CHECK(reply.status == 200);
  CHECK_THAT(reply.head,
             ContainsSubstring("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  CHECK_THAT(reply.body, ContainsSubstring("# TYPE things_total counter\nthings_total 3\n"));
  served.things.add(1);
  CHECK_THAT(served.get("/metrics?x=1").body, ContainsSubstring("things_total 4\n"));
}

TEST_CASE("health is always ok, readiness says why not") {
  Served served;
  CHECK(served.get("/healthz").body == "ok\n");
  CHECK(served.get("/readyz").status == 200);
  served.readiness.why_not = "draining";
  CHECK(served.get("/healthz").status == 200);
  const Reply reply = served.get("/readyz");
  CHECK(reply.status == 503);
  CHECK(reply.body == "draining\n");
}

TEST_CASE("HEAD gets the length without the body") {
  Served served;
  const Reply reply = served.get("/healthz", "HEAD");
  CHECK(reply.status == 200);
  CHECK_THAT(reply.head, ContainsSubstring("Content-Length: 3\r\n"));
  CHECK(reply.body.empty());
}

TEST_CASE("several requests of one connection are answered in order") {
  Served served;
  net::http_test::Client client(served.loop, served.path);
  client.send("GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  served.send(client, "/healthz");
  const std::string text = client.receive_all();
  CHECK_THAT(text, StartsWith("HTTP/1.1 200 ") &&
                       ContainsSubstring("\r\n\r\nready\nHTTP/1.1 200 ") &&
                       EndsWith("\r\n\r\nok\n"));
}

TEST_CASE("only GET and HEAD are answered") {
  const auto method = GENERATE("POST", "PUT", "DELETE", "OPTIONS", "PATCH");
  CAPTURE(method);
  Served served;
  const Reply reply = served.get("/metrics", method, "Host: localhost\r\nContent-Length: 0\r\n");
  CHECK(reply.status == 405);
  CHECK_THAT(reply.head, ContainsSubstring("Allow: GET, HEAD\r\n"));
  CHECK(json::parse(reply.body)["code"] == "method_not_allowed");
  const std::string trace_id = json::parse(reply.body)["trace_id"];
  CHECK(trace_id.size() == 32);
  CHECK_THAT(reply.head, ContainsSubstring("X-Trace-Id: " + trace_id + "\r\n"));
}

struct HostCase {
  const char* fields;
  int status;
};

TEST_CASE("names that a page could point here are refused, and pages") {
  const HostCase row = GENERATE(
      HostCase{"Host: localhost:8081\r\n", 200}, HostCase{"Host: 127.0.0.1:8081\r\n", 200},
      HostCase{"Host: [::1]\r\n", 200}, HostCase{"Host: ops.example:8081\r\n", 200},
      HostCase{"Host: evil.example\r\n", 403}, HostCase{"Host: localhost.evil.example\r\n", 403},
      HostCase{"Host: 127.0.0.1.evil.example\r\n", 403},
      HostCase{"Host: localhost\r\nOrigin: http://localhost\r\n", 403},
      HostCase{"Host: localhost\r\nOrigin: null\r\n", 403},
      HostCase{"Host: localhost\r\nOrigin:\r\n", 403});
  const auto target = GENERATE("/", "/metrics", "/debug/config", "/missing");
  CAPTURE(row.fields, target);
  Served served;
  served.config.admin.debug = true;
  served.config.admin.hosts = {"ops.example"};
  const Reply reply = served.get(target, "GET", row.fields);
  const bool missing = std::string_view(target) == "/missing";
  CHECK(reply.status == (row.status == 200 && missing ? 404 : row.status));
  CHECK_THAT(reply.head, !ContainsSubstring("Access-Control-"));
  if (row.status == 403) CHECK(json::parse(reply.body)["code"] == "forbidden");
}

TEST_CASE("debug pages are there once admin.debug is true, at once") {
  Served served;
  const auto target =
      GENERATE("/debug/config", "/debug/workers", "/debug/streams", "/debug/topics");
  CAPTURE(target);
  const Reply before = served.get(target);
  CHECK(before.status == 404);
  CHECK_THAT(before.body, ContainsSubstring("admin.debug"));
  CHECK_THAT(served.get("/").body, !ContainsSubstring(std::string("href=\"") + target));
  served.config.admin.debug = true;
  CHECK_THAT(served.get("/").body, ContainsSubstring(std::string("href=\"") + target));
  served.config.limits.streams_max = 4'711;
  CHECK(json::parse(served.get("/debug/config").body)["limits"]["streams_max"] == 4'711);
}

TEST_CASE("every link of the page leads somewhere") {
  Served served;
  served.config.admin.debug = true;
  const Reply page = served.get("/");
  CHECK_THAT(page.head, ContainsSubstring("Content-Type: text/html"));
  int links = 0;
  for (std::size_t at = 0; (at = page.body.find("href=\"", at)) != std::string::npos; ++links) {
    at += 6;
    const std::string target = page.body.substr(at, page.body.find('"', at) - at);
    CAPTURE(target);
    net::http_test::Client client(served.loop, served.path);
    served.send(client, target);
    served.queries.listed = nullptr;
    served.queries.counted = nullptr;
    net::http_test::turn_until(served.loop, [&] {
      return served.queries.listed || served.queries.counted || client.ended();
    });
    if (served.queries.listed) served.queries.listed(StreamPage{});
    if (served.queries.counted) served.queries.counted({});
    CHECK(Served::read(client).status == 200);
  }
  CHECK(links == 7);
}

TEST_CASE("workers are listed with their processors") {
  Served served;
  served.config.admin.debug = true;
  served.queries.workers = {{.place = config::Processor{.number = 9, .node = 1},
                             .streams = 2,
                             .streams_opened = 3,
                             .connections_accepted = 4,
                             .bytes_sent = 5},
                            {}};
  const Reply reply = served.get("/debug/workers");
  CHECK(reply.status == 200);
  CHECK(json::parse(reply.body) == json::parse(R"({"workers":[
      {"worker":0,"processor":9,"node":1,"streams":2,"streams_opened":3,"connections_accepted":4,
       "bytes_sent":5},
      {"worker":1,"processor":null,"node":null,"streams":0,"streams_opened":0,
       "connections_accepted":0,"bytes_sent":0}]})"));
}

TEST_CASE("streams are listed page by page, when the workers have answered") {
  Served served;
  served.config.admin.debug = true;
  net::http_test::Client client(served.loop, served.path);
  served.send(client, "/debug/streams?limit=2&after=18446744073709551615");
  REQUIRE(net::http_test::turn_until(served.loop, [&] { return bool(served.queries.listed); }));
  CHECK(served.queries.asked_limit == 2);
  CHECK(served.queries.asked_cursor == 18'446'744'073'709'551'615U);
  net::http_test::turn_for(served.loop, 20);
  CHECK_FALSE(client.ended());
  StreamPage page;
  page.rows.push_back({.id = "0:1:2",
                       .trace_id = "tr\xff",
                       .state = "live",
                       .topics = {"a.b", "c"},
                       .bytes_sent = 10,
                       .events_sent = 3,
                       .owed_events = 2,
                       .owed_bytes = 90,
                       .open_seconds = 1.5});
  page.next = 9'007'199'254'740'993;
  served.queries.listed(std::move(page));
  const Reply reply = Served::read(client);
  CHECK(reply.status == 200);
  CHECK(json::parse(reply.body) ==
        json::parse(R"({"streams":[{"id":"0:1:2","trace_id":"tr�","state":"live",
          "topics":["a.b","c"],"bytes_sent":10,"events_sent":3,"owed_events":2,"owed_bytes":90,
          "open_seconds":1.5}],"next":"9007199254740993"})"));
}

TEST_CASE("streams that no worker lists are not shown as none") {
  Served served;
  served.config.admin.debug = true;
  net::http_test::Client client(served.loop, served.path);
  served.send(client, "/debug/streams");
  REQUIRE(net::http_test::turn_until(served.loop, [&] { return bool(served.queries.listed); }));
  served.queries.listed(std::nullopt);
  const Reply reply = Served::read(client);
  CHECK(reply.status == 503);
  CHECK_THAT(reply.head, ContainsSubstring("Retry-After: 1\r\n"));
  CHECK(json::parse(reply.body)["code"] == "busy");
}

TEST_CASE("an answer of the workers that nobody waits for any more is harmless") {
  Served served;
  served.config.admin.debug = true;
  {
    net::http_test::Client client(served.loop, served.path);
    served.send(client, "/debug/streams");
    REQUIRE(net::http_test::turn_until(served.loop, [&] { return bool(served.queries.listed); }));
  }
  net::http_test::turn_for(served.loop, 20);
  served.queries.listed(StreamPage{});
  CHECK(served.get("/healthz").status == 200);
}

TEST_CASE("topics are listed with their history and their subscribers") {
  Served served;
  served.config.admin.debug = true;
  for (const char* topic : {"a", "b", "a"}) {
    const broadcast::Event event{.topic = topic, .data = "x"};
    REQUIRE(served.log.append(event, net::Loop::now()).has_value());
  }
  net::http_test::Client first(served.loop, served.path);
  served.send(first, "/debug/topics?limit=1");
  REQUIRE(net::http_test::turn_until(served.loop, [&] { return bool(served.queries.counted); }));
  CHECK(served.queries.asked_topics == std::vector<std::string>{"a"});
  served.queries.counted(std::vector<std::uint64_t>{42});
  const json page = json::parse(Served::read(first).body);
  REQUIRE(page["topics"].size() == 1);
  const json& topic = page["topics"][0];
  CHECK(topic["topic"] == "a");
  CHECK(topic["subscribers"] == 42);
  CHECK(topic["events"] == 2);
  CHECK(topic["published"] == 2);
  const std::string epoch(served.log.epoch().view());
  CHECK(topic["oldest_id"] == epoch + "-1");
  CHECK(topic["newest_id"] == epoch + "-3");
  CHECK(topic["evicted_through_id"].is_null());

  served.queries.counted = nullptr;
  net::http_test::Client second(served.loop, served.path);
  served.send(second, "/debug/topics?after=" + page["next"].get<std::string>());
  REQUIRE(net::http_test::turn_until(served.loop, [&] { return bool(served.queries.counted); }));
  CHECK(served.queries.asked_topics == std::vector<std::string>{"b"});
  served.queries.counted({});
  const json rest = json::parse(Served::read(second).body);
  CHECK(rest["next"].is_null());
  CHECK(rest["topics"][0]["subscribers"].is_null());
}

TEST_CASE("a page that is asked for wrongly is not another page") {
  Served served;
  served.config.admin.debug = true;
  for (const char* page : {"/debug/streams?limit=101", "/debug/topics?limt=1"}) {
    const Reply reply = served.get(page);
    CHECK(reply.status == 400);
    CHECK_THAT(reply.body, ContainsSubstring("`limit`, 1 to 100"));
  }
}

TEST_CASE("what the server refuses gets the same kind of answer") {
  Served served;
  net::http_test::Client client(served.loop, served.path);
  client.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
  const Reply reply = Served::read(client);
  CHECK(reply.status == 400);
  CHECK(json::parse(reply.body).contains("message"));
}

}  // namespace
}  // namespace crier::cmd
