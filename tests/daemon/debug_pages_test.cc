// What /debug shows of a daemon that works: all its streams, whichever worker has them, and topics.
#include <signal.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

using Json = nlohmann::json;

// All rows of a list, two a page.
std::vector<Json> rows_of(const RunningDaemon& daemon, const std::string& list) {
  std::vector<Json> rows;
  std::string after = "0";
  for (int pages = 0; pages < 50; ++pages) {
    const HttpAnswer answer = daemon.admin_get("/debug/" + list + "?limit=2&after=" + after);
    REQUIRE(answer.status == 200);
    const Json page = Json::parse(answer.body);
    CHECK(page.at(list).size() <= 2);
    for (const Json& row : page.at(list)) rows.push_back(row);
    if (page.at("next").is_null()) return rows;
    after = page.at("next").get<std::string>();
  }
  FAIL("the list has no end");
  return rows;
}

TEST_CASE("every stream is listed once, with its topics and the trace id it was told") {
  constexpr int kStreams = 9;
  const RunningDaemon daemon({.settings = {"admin.debug=true"}, .workers = 3});
  std::vector<Subscriber> subscribers;
  std::set<std::string> traces;
  for (int i = 0; i < kStreams; ++i) {
    SubscriberOptions options;
    if (i == 0) options.fields = "X-Trace-Id: my-own\r\n";
    subscribers.push_back(daemon.subscribe("/events?topic=a&topic=b", options));
    REQUIRE(subscribers.back().next().event == "crier.open");
    traces.insert(subscribers.back().head().field("x-trace-id"));
  }
  REQUIRE(traces.size() == kStreams);
  CHECK(traces.contains("my-own"));
  daemon.publish("a", "1");
  for (Subscriber& subscriber : subscribers) CHECK(subscriber.next().data == "1");

  std::set<std::string> ids;
  for (const Json& row : rows_of(daemon, "streams")) {
    CHECK(traces.erase(row.at("trace_id")) == 1);
    CHECK(ids.insert(row.at("session_id")).second);
    CHECK(row.at("state") == "live");
    CHECK(row.at("topics") == Json{"a", "b"});
    CHECK(row.at("events_sent") == 1);
    CHECK(row.at("owed_events") == 0);
  }
  CHECK(traces.empty());
}

TEST_CASE("a stream that does not read shows how far it is behind, and the way to its client") {
  const bool patient = GENERATE(false, true);  // Whether its ring holds all that it is owed.
  const int events = patient ? 100 : 1'000;
  const RunningDaemon daemon(
      {.settings = {"admin.debug=true", "subscribe.patterns=allow"}, .workers = 1});
  Subscriber stopped = daemon.subscribe("/events/a", {.receive_buffer = 2'304});
  Subscriber reading = daemon.subscribe("/events/%3E");
  REQUIRE(stopped.next().event == "crier.open");
  REQUIRE(reading.next().event == "crier.open");
  for (int i = 0; i < events; ++i) {
    daemon.publish("a", std::string(4'000, 'x'));
    REQUIRE(reading.next().data.size() == 4'000);
  }
  Json row;
  CHECK(wait_until(kPatienceMs, [&] {
    row = rows_of(daemon, "streams").at(0);
    return row.at("lag_seconds") > 0.2;
  }));
  INFO(row.dump());
  CHECK(row.at("state") == (patient ? "owing" : "replaying"));
  CHECK(row.at("lag_events").get<int>() == events - row.at("events_sent").get<int>());
  CHECK(row.at("unsent_bytes") > 0);
  CHECK(row.at("round_trip_ms") > 0);
  const Json other = rows_of(daemon, "streams").at(1);
  CHECK(other.at("lag_events") == 0);
  CHECK(other.at("lag_seconds") == 0);
  CHECK(other.at("unsent_bytes") == 0);

  if (!patient) return;  // Only the log may know what it is owed, so the sweep may leave it out.
  // The sweep has looked at both after a second or two.
  CHECK(wait_until(kPatienceMs, [&] {
    return daemon.metric("crier_stream_round_trip_seconds_count") >= 4 &&
           daemon.metric("crier_stream_lag_events_sum") > 0 &&
           daemon.metric("crier_stream_lag_seconds_sum") > 0 &&
           daemon.metric("crier_stream_unsent_bytes_sum") > 0;
  }));
}

TEST_CASE("topics are listed with the subscribers of all workers") {
  const RunningDaemon daemon({.settings = {"admin.debug=true"}, .workers = 3});
  std::vector<Subscriber> subscribers;
  for (int i = 0; i < 5; ++i) {
    subscribers.push_back(daemon.subscribe("/events/t.1"));
    REQUIRE(subscribers.back().next().event == "crier.open");
  }
  for (int i = 0; i < 3; ++i) daemon.publish("t." + std::to_string(i), "x");
  const std::vector<Json> rows = rows_of(daemon, "topics");
  REQUIRE(rows.size() == 3);
  for (const Json& row : rows) CHECK(row.at("subscribers") == (row.at("topic") == "t.1" ? 5 : 0));
}

TEST_CASE("the configuration in force is shown, and what changed after a reload") {
  RunningDaemon daemon({.settings = {"admin.debug=true"},
                        .configuration = R"({"heartbeat": {"interval_seconds": 7}})"});
  const auto config = [&] { return Json::parse(daemon.admin_get("/debug/config").body); };
  CHECK(config().at("heartbeat").at("interval_seconds") == 7);
  CHECK(config().at("publish").at("socket") == daemon.publish_path());
  daemon.write_configuration(R"({"heartbeat": {"interval_seconds": 8}, "http": {"backlog": 9}})");
  daemon.signal(SIGHUP);
  REQUIRE(daemon.wait_for_output("reloaded"));
  CHECK(config().at("heartbeat").at("interval_seconds") == 8);
  CHECK(config().at("http").at("backlog") == 4'096);  // Waits for a restart.
}

}  // namespace
}  // namespace crier::tests
