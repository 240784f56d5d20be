// Trace ids from a client's request to answers, log and pages, and the way of single publishes.
#include <signal.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

using Json = nlohmann::json;

std::string id_of(char digit) {
  return std::string(31, digit) + "1";
}

std::string parent(char digit) {
  return "traceparent: 00-" + id_of(digit) + "-00f067aa0ba902b7-01\r\n";
}

Json traces_of(const RunningDaemon& daemon) {
  return Json::parse(daemon.admin_get("/debug/trace").body);
}

TEST_CASE("the trace id of traceparent is in answers, in the log and on pages") {
  const RunningDaemon daemon(
      {.settings = {"admin.debug=true", "admin.trace_every=1", "log.level=debug"}});
  const auto logged = [&](const std::string& message, char digit) {
    INFO(message);
    CHECK(wait_until(kPatienceMs, [&] {
      const std::string log = daemon.output();
      for (std::size_t at = 0; (at = log.find(message, at)) != std::string::npos; ++at) {
        const std::string line = log.substr(at, log.find('\n', at) - at);
        if (line.find("trace_id=" + id_of(digit)) != std::string::npos) return true;
      }
      return false;
    }));
  };

  {
    Subscriber subscriber = daemon.subscribe("/events?topic=a", {.fields = parent('a')});
    CHECK(subscriber.head().field("x-trace-id") == id_of('a'));
    const Json streams = Json::parse(daemon.admin_get("/debug/streams").body);
    CHECK(streams["streams"][0]["trace_id"] == id_of('a'));
  }
  logged("stream opened", 'a');
  logged("stream ended", 'a');

  const HttpAnswer refused = daemon.get("/nothing", parent('b'));
  CHECK(refused.field("x-trace-id") == id_of('b'));
  CHECK(Json::parse(refused.body)["trace_id"] == id_of('b'));
  logged("request refused", 'b');

  const HttpAnswer published = daemon.publish_request("POST /topics/a", "x", parent('c'));
  CHECK(published.status == 202);
  CHECK(published.field("x-trace-id") == id_of('c'));
  const Json trace = traces_of(daemon)["traces"][0];
  CHECK(trace["trace_id"] == id_of('c'));
  CHECK(trace["event_id"] == Json::parse(published.body)["id"]);

  const HttpAnswer wrong = daemon.publish_request("POST /topics/a..", "x", parent('d'));
  CHECK(wrong.field("x-trace-id") == id_of('d'));
  CHECK(Json::parse(wrong.body)["trace_id"] == id_of('d'));
  logged("publish request refused", 'd');
}

TEST_CASE("one publish in so many is followed, from its acceptance to each worker's last write") {
  constexpr std::size_t kStreams = 6;
  const std::string debug = R"("admin": {"debug": true, "trace_every": )";
  RunningDaemon daemon({.configuration = "{" + debug + "2}}", .workers = 2});
  std::vector<Subscriber> subscribers;
  for (std::size_t i = 0; i < kStreams; ++i) {
    subscribers.push_back(daemon.subscribe("/events?topic=a"));
    REQUIRE(subscribers.back().next().event == "crier.open");
  }
  std::string last;
  for (int i = 0; i < 4; ++i) last = daemon.publish("a", std::to_string(i));
  Json page;
  REQUIRE(wait_until(kPatienceMs, [&] {
    page = traces_of(daemon);
    return page["traces"].size() == 2 && page["traces"][0]["complete"] == true;
  }));
  CHECK(page["every"] == 2);
  const Json trace = page["traces"][0];
  CHECK(trace["event_id"] == last);
  CHECK(trace["topic"] == "a");
  const double age =
      static_cast<double>(std::time(nullptr)) - trace["accepted_unix_seconds"].get<double>();
  CHECK((age > -2 && age < 60));
  CHECK(trace["received_ns"] <= 0);
  CHECK(trace["committed_ns"] > 0);
  CHECK(trace["workers"].size() == 2);
  std::size_t streams = 0;
  for (const Json& worker : trace["workers"]) {
    CHECK(trace["committed_ns"] <= worker["handed_ns"]);
    CHECK(worker["handed_ns"] <= worker["taken_ns"]);
    streams += worker["streams"].get<std::size_t>();
    if (worker["streams"] == 0) continue;
    CHECK(worker["taken_ns"] <= worker["first_write_ns"]);
    CHECK(worker["first_write_ns"] <= worker["last_write_ns"]);
  }
  CHECK(streams == kStreams);

  daemon.write_configuration("{" + debug + "0}}");
  daemon.signal(SIGHUP);
  REQUIRE(daemon.wait_for_output("reloaded"));
  daemon.publish("a", "5");
  daemon.publish("a", "6");
  page = traces_of(daemon);
  CHECK(page["every"] == 0);
  CHECK(page["traces"].size() == 2);
}

}  // namespace
}  // namespace crier::tests
