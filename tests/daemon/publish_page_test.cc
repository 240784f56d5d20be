// The dashboard publishes where admin.publish is true: the same answers as on the publish socket.
#include <signal.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

using Json = nlohmann::json;

// As the page does, with its Origin. On a new connection.
HttpAnswer publish_as_page(const RunningDaemon& daemon, const std::string& body,
                           const std::string& origin = {}) {
  const std::string host = daemon.address() + ":" + std::to_string(RunningDaemon::kAdminPort);
  RawSocket socket = daemon.connect_admin();
  socket.send("POST /publish HTTP/1.1\r\nHost: " + host +
              "\r\nOrigin: " + (origin.empty() ? "http://" + host : origin) +
              "\r\nContent-Type: application/json\r\nContent-Length: " +
              std::to_string(body.size()) + "\r\n\r\n" + body);
  return socket.read_answer();
}

std::string event(const std::string& topic, const std::string& data) {
  return Json{{"topic", topic}, {"event", "tried"}, {"data", data}}.dump();
}

constexpr const char* kLimits =
    R"("limits": {"event_bytes_max": 1000}, "publish": {"rate": 1, "burst": 3}})";

}  // namespace

TEST_CASE("the dashboard publishes as the publish socket does, and has a rate of its own") {
  const RunningDaemon daemon(
      {.settings = {"log.format=json", "publish.users=[\"4711\"]"},
       .configuration = R"({"admin": {"publish": true}, )" + std::string(kLimits)});
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  const auto refused = [&](const std::string& body, int status, const std::string& origin = {}) {
    const HttpAnswer answer = publish_as_page(daemon, body, origin);
    CHECK(answer.status == status);
    return Json::parse(answer.body).at("message").get<std::string>();
  };
  CHECK(refused(event("a..b", "1"), 400).find("not a valid topic") != std::string::npos);
  CHECK(refused(event("a", std::string(1'001, 'x')), 413).find("1001 bytes") != std::string::npos);
  refused(std::string(20'000, ' '), 413);
  refused(event("a", "1"), 403, "http://other.example");

  for (const std::string data : {"1\n\"2\"", "2", "3"}) {
    const HttpAnswer answer = publish_as_page(daemon, event("a", data));
    REQUIRE(answer.status == 202);
    const SseMessage got = subscriber.next();
    CHECK(got.event == "tried");
    CHECK(got.data == data);
    CHECK(got.last_event_id == Json::parse(answer.body).at("id").get<std::string>());
  }
  const HttpAnswer limited = publish_as_page(daemon, event("a", "4"));
  CHECK(limited.status == 429);
  CHECK(limited.field("retry-after") == "1");
  CHECK(daemon.publish_request("POST /topics/a", "x").status == 403);  // Not its users.
  REQUIRE(daemon.wait_for_output("\"status\":429"));
  CHECK(daemon.output().find("\"from\":\"127.") != std::string::npos);
}

TEST_CASE("a reload lets the dashboard publish, and takes it back") {
  RunningDaemon daemon({.configuration = std::string("{") + kLimits});
  CHECK(publish_as_page(daemon, event("a", "1")).status == 413);
  daemon.write_configuration(R"({"admin": {"publish": true}, )" + std::string(kLimits));
  daemon.signal(SIGHUP);
  REQUIRE(daemon.wait_for_output("reloaded"));
  CHECK(publish_as_page(daemon, event("a", "1")).status == 202);
  daemon.write_configuration(std::string("{") + kLimits);
  daemon.signal(SIGHUP);
  CHECK(wait_until(kPatienceMs,
                   [&] { return publish_as_page(daemon, event("a", "1")).status == 413; }));
}

}  // namespace crier::tests
