#include "cmd/daemon/admin/admin_routes.h"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "tests/broadcast/log/log_support.h"
#include "tests/cmd/daemon/admin/admin_routes_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
using nlohmann::json;

TEST_CASE("metrics are Prometheus text, made twice a second at most") {
  Served served;
  int looks = 0;
  served.catalogue.before_reading(/*every_us=*/600'000, [&] { ++looks; });
  served.things.add(3);
  const Reply reply = served.get("/metrics");
  CHECK(reply.status == 200);
  CHECK_THAT(reply.head,
             ContainsSubstring("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  CHECK_THAT(reply.body, ContainsSubstring("# TYPE things_total counter\nthings_total 3\n"));
  served.things.add(1);
  served.now.us += 499'999;
  CHECK(served.get("/metrics").body == reply.body);
  served.now.us += 1;
  CHECK_THAT(served.get("/metrics?_=1").body, ContainsSubstring("things_total 4\n"));
  CHECK(looks == 1);
  served.now.us += 100'000;
  served.get("/status");
  served.get("/status");
  CHECK(looks == 2);
}

TEST_CASE("the status is JSON, ready or not") {
  Served served;
  served.now.us += 2'500'000;  // Counted from the start of the daemon, not of its process.
  const Reply reply = served.get("/status");
  CHECK(reply.status == 200);
  CHECK_THAT(reply.head, ContainsSubstring("Content-Type: application/json\r\n"));
  CHECK(reply.body == "{\"ready\":true,\"uptime_seconds\":2.5}\n");  // The catalogue is empty.
  served.why_not_ready = "full";
  CHECK(served.get("/status").status == 200);
  CHECK(served.get("/status").body ==
        "{\"ready\":false,\"ready_detail\":\"full\",\"uptime_seconds\":2.5}\n");
}

TEST_CASE("the page and its files may load nothing from elsewhere") {
  const auto [path, type] = GENERATE(table<std::string, std::string>(
      {{"/", "text/html"}, {"/dashboard.css", "text/css"}, {"/dashboard.js", "text/javascript"}}));
  CAPTURE(path);
  Served served;
  const Reply reply = served.get(path + "?_=1");
  CHECK(reply.status == 200);
  CHECK_THAT(reply.head, ContainsSubstring("Content-Type: " + type + "; charset=utf-8\r\n"));
  CHECK_THAT(reply.head, ContainsSubstring("Cache-Control: no-store\r\n"));
  CHECK_THAT(reply.head, ContainsSubstring("X-Content-Type-Options: nosniff\r\n"));
  CHECK_THAT(reply.head,
             ContainsSubstring("Content-Security-Policy: default-src 'none'; script-src 'self';") &&
                 !ContainsSubstring("unsafe"));
  CHECK(served.get(path, "HEAD").body.empty());
  CHECK(served.get(path + "?a=1").status == 400);
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
  REQUIRE(served.lines.lines.size() == 1);
  CHECK_THAT(served.lines.lines[0], ContainsSubstring("info admin request refused") &&
                                        ContainsSubstring(" trace_id=" + trace_id + " "));
}

struct HostCase {
  const char* fields;
  int status;
};

TEST_CASE("requests with a foreign Host, or that a page of another server makes, are refused") {
  const HostCase row = GENERATE(
      HostCase{"Host: localhost:8081\r\n", 200}, HostCase{"Host: 127.0.0.1:8081\r\n", 200},
      HostCase{"Host: [::1]\r\n", 200}, HostCase{"Host: ops.example:8081\r\n", 200},
      HostCase{"Host: evil.example\r\n", 403}, HostCase{"Host: localhost.evil.example\r\n", 403},
      HostCase{"Host: 127.0.0.1.evil.example\r\n", 403},
      HostCase{"Host: [::1]:1\r\nOrigin: http://[::1]:1\r\n", 200},
      HostCase{"Host: [::1]:1\r\nOrigin: http://[::1]:2\r\n", 403},
      HostCase{"Host: [::1]\r\nOrigin: [::1]\r\n", 403},
      HostCase{"Host: [::1]\r\nOrigin: null\r\n", 403}, HostCase{"Host: [::1]\r\nOrigin:\r\n", 403},
      HostCase{"Host: [::1]\r\nSec-Fetch-Site: same-origin\r\n", 200},
      HostCase{"Host: [::1]\r\nSec-Fetch-Site: cross-site\r\n", 403},
      HostCase{"Host: [::1]\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: document\r\n", 200});
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

TEST_CASE("debug pages are served as soon as admin.debug is true") {
  Served served;
  const auto target = GENERATE("/debug/config", "/debug/workers", "/debug/streams", "/debug/topics",
                               "/debug/trace", "/debug/log");
  CAPTURE(target);
  const Reply before = served.get(target);
  CHECK(before.status == 404);
  CHECK_THAT(before.body, ContainsSubstring("admin.debug"));
  served.config.admin.debug = true;
  served.config.limits.streams_max = 4'711;
  CHECK(json::parse(served.get("/debug/config").body)["limits"]["streams_max"] == 4'711);
}

TEST_CASE("every link of the page leads somewhere") {
  Served served;
  served.config.admin.debug = true;
  const Reply page = served.get("/");
  int links = 0;
  for (std::size_t at = 0; (at = page.body.find("href=\"/", at)) != std::string::npos; ++links) {
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
    if (served.queries.counted) served.queries.counted(std::vector<std::uint64_t>());
    CHECK(Served::read(client).status == 200);
  }
  CHECK(links == 11);
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
  for (const char* topic : {"a.b", "other", "c"}) broadcast::publish(served.log, topic);
  StreamPage page;
  page.rows.push_back({.session_id = "0:1:2",
                       .trace_id = "tr\xff",
                       .address = "192.0.2.1:5",
                       .state = "live",
                       .topics = selectors(std::vector{"a.b", "c"}),
                       .bytes_sent = 10,
                       .events_sent = 3,
                       .owed_events = 2,
                       .owed_bytes = 90,
                       .open_seconds = 1.5,
                       .position = 0,
                       .waiting = {1, net::Loop::now()},
                       .path = PathReading{12'345, 6}});
  page.rows.push_back({.topics = selectors(std::vector{"*.x"}), .from_history = true});
  page.next = 9'007'199'254'740'993;
  served.queries.listed(std::move(page));
  const Reply reply = Served::read(client);
  CHECK(reply.status == 200);
  json shown = json::parse(reply.body);
  CHECK(shown["streams"][0].at("lag_seconds") < 60);
  shown["streams"][0].erase("lag_seconds");
  CHECK(shown == json::parse(R"({"streams":[{"session_id":"0:1:2","trace_id":"tr�",
          "address":"192.0.2.1:5","state":"live","topics":["a.b","c"],"bytes_sent":10,
          "events_sent":3,"owed_events":2,"owed_bytes":90,"lag_events":3,"round_trip_ms":12.345,
          "unsent_bytes":6,"open_seconds":1.5},
          {"session_id":"","trace_id":"","address":null,"state":"","topics":["*.x"],"bytes_sent":0,
          "events_sent":0,"owed_events":0,"owed_bytes":0,"lag_events":null,"lag_seconds":null,
          "round_trip_ms":null,"unsent_bytes":null,"open_seconds":0.0}],
          "next":"9007199254740993"})"));
}

TEST_CASE("if a worker does not answer, streams are 503, not an empty list") {
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

TEST_CASE("an answer of the workers after the client has left is harmless") {
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
    broadcast::publish(served.log, topic, net::Loop::now());
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
  CHECK(topic["history"]["events"] == 2);
  CHECK(topic["published"] == 2);
  const std::string epoch(served.log.epoch().view());
  CHECK(topic["history"]["oldest_id"] == epoch + "-1");
  CHECK(topic["history"]["newest_id"] == epoch + "-3");
  CHECK(topic["history"]["evicted_through"].is_null());

  served.queries.counted = nullptr;
  net::http_test::Client second(served.loop, served.path);
  served.send(second, "/debug/topics?after=" + page["next"].get<std::string>());
  REQUIRE(net::http_test::turn_until(served.loop, [&] { return bool(served.queries.counted); }));
  CHECK(served.queries.asked_topics == std::vector<std::string>{"b"});
  served.queries.counted(std::vector<std::uint64_t>{0});
  CHECK(json::parse(Served::read(second).body)["next"].is_null());

  served.queries.counted = nullptr;
  net::http_test::Client third(served.loop, served.path);
  served.send(third, "/debug/topics");
  REQUIRE(net::http_test::turn_until(served.loop, [&] { return bool(served.queries.counted); }));
  served.queries.counted({});  // A worker did not answer.
  CHECK(Served::read(third).status == 503);
}

TEST_CASE("a wrong page query is refused") {
  Served served;
  served.config.admin.debug = true;
  for (const char* page : {"/debug/streams?limit=101", "/debug/topics?limt=1",
                           "/debug/trace?limit=0", "/debug/trace?after=1"}) {
    const Reply reply = served.get(page);
    CHECK(reply.status == 400);
    CHECK_THAT(reply.body, ContainsSubstring("`limit`, 1 to 100"));
  }
}

TEST_CASE("pages without parameters refuse them, and scrapes and probes do not look") {
  Served served;
  served.config.admin.debug = true;
  const auto page = GENERATE("/", "/status", "/debug/config", "/debug/workers", "/debug/log");
  CAPTURE(page);
  const Reply refused = served.get(std::string(page) + "?_=1&x=1");
  CHECK(refused.status == 400);
  CHECK_THAT(refused.body, ContainsSubstring("has no parameters"));
  CHECK(served.get(std::string(page) + "?_=1&&_x").status == 200);
  CHECK(served.get(std::string(page) + "?").status == 200);
  CHECK(served.get("/metrics?x=1").status == 200);
  CHECK(served.get("/healthz?x=1").status == 200);
  CHECK(served.get("/readyz?x=1").status == 200);
}

TEST_CASE("a body is refused, and what it was sent to is said to have a query") {
  Served served;
  served.config.admin.debug = true;
  net::http_test::Client client(served.loop, served.path);
  client.send("POST /debug/log HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\ntopic=a");
  const Reply reply = Served::read(client);
  CHECK(reply.status == 413);
  CHECK_THAT(reply.head, !ContainsSubstring("Allow:"));
  CHECK_THAT(reply.body, ContainsSubstring("into its query"));
  CHECK(json::parse(reply.body)["code"] == "content_too_large");
}

TEST_CASE("debug rules are added, listed and ended") {
  Served served;
  constexpr std::string_view kFields = "Host: localhost\r\nContent-Length: 0\r\n";
  const auto change = [&](std::string_view method, const std::string& query) {
    return served.get("/debug/log" + query, method, kFields);
  };
  CHECK(change("POST", "?topic=a").status == 404);  // admin.debug is false.
  served.config.admin.debug = true;
  const Reply added = change("POST", "?topic=a&seconds=60");
  CHECK(added.status == 200);
  const json rule = json::parse(added.body)["rules"][0];
  CHECK(rule["id"] == 1);
  CHECK(rule["topic"] == "a");
  CHECK(rule["address"].is_null());
  CHECK(rule["by"] == "uid " + std::to_string(::getuid()));
  CHECK(rule["seconds_left"] == 60.0);
  CHECK(change("POST", "?address=::1").status == 200);
  CHECK(json::parse(served.get("/debug/log").body)["rules"].size() == 2);
  CHECK(served.orders == 2);

  CHECK(change("POST", "?topic=").status == 400);
  CHECK(change("DELETE", "?id=3").status == 404);
  CHECK(change("PUT", "?topic=a").status == 405);
  CHECK_THAT(change("PUT", "").head, ContainsSubstring("Allow: GET, HEAD, POST, DELETE\r\n"));
  CHECK(served
            .get("/debug/log?topic=b", "POST",
                 "Host: localhost\r\nOrigin: http://localhost\r\nContent-Length: 0\r\n")
            .status == 403);
  CHECK(json::parse(change("DELETE", "?id=1").body)["rules"].size() == 1);
  CHECK(json::parse(change("DELETE", "").body)["rules"].empty());
  CHECK(served.orders == 4);
  for (int i = 0; i < 16; ++i) CHECK(change("POST", "?topic=t" + std::to_string(i)).status == 200);
  CHECK(change("POST", "?topic=t16").status == 409);

  served.queries.in_force = false;  // A worker has not carried it out within a second.
  const Reply late = change("DELETE", "");
  CHECK(late.status == 503);
  CHECK_THAT(late.head, ContainsSubstring("Retry-After: 1\r\n"));
  CHECK(json::parse(served.get("/debug/log").body)["rules"].empty());
}

TEST_CASE("refusals of the server look like those of the routes") {
  Served served;
  net::http_test::Client client(served.loop, served.path);
  client.send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
  const Reply reply = Served::read(client);
  CHECK(reply.status == 400);
  CHECK(json::parse(reply.body).contains("message"));
}

}  // namespace
}  // namespace crier::cmd
