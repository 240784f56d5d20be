// What a stream that comes back is given: everything after its position, or an event that says why
// not.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

using Json = nlohmann::json;

TEST_CASE("a position may be given by header and by all names of the query") {
  const RunningDaemon daemon;
  const std::string first = daemon.publish("a", "1");
  const std::string second = daemon.publish("a", "2");
  daemon.publish("a", "3");

  const std::string name = GENERATE("", "last_event_id", "lastEventId", "lastEventID",
                                    "Last-Event-ID", "Last-Event-Id", "evs_last_event_id");
  INFO("query name: " << name);
  SubscriberOptions options;
  std::string target = "/events?topic=a";
  if (name.empty()) {
    options.last_event_id = second;
    target += "&last_event_id=" + first;  // The header wins.
  } else {
    target += "&" + name + "=" + second;
  }
  Subscriber subscriber = daemon.subscribe(target, options);
  const SseMessage open = subscriber.next();
  CHECK(open.event == "crier.open");
  CHECK(open.last_event_id == second);
  CHECK(subscriber.next().data == "3");
  daemon.publish("a", "4");
  CHECK(subscriber.next().data == "4");
}

TEST_CASE("earliest is all that is retained, last=N the newest of each topic") {
  const RunningDaemon daemon;
  for (const char* data : {"1", "2", "3"}) daemon.publish("a", data);
  daemon.publish("b", "b1");
  struct Row {
    std::string query;
    std::vector<std::string> data;
  };
  const Row rows[] = {
      {"topic=a&last_event_id=earliest", {"1", "2", "3"}},
      {"topic=a&topic=b&last_event_id=earliest", {"1", "2", "3", "b1"}},
      {"topic=a&last_event_id=last%3D2", {"2", "3"}},
      {"topic=a&last_event_id=last=2", {"2", "3"}},
      {"topic=a&topic=b&last_event_id=last%3D1", {"3", "b1"}},
      {"topic=a&from=earliest", {"1", "2", "3"}},
      {"topic=a&topic=b&last=1", {"3", "b1"}},
      {"topic=a&from=latest", {}},
      {"topic=a", {}},
  };
  for (const Row& row : rows) {
    INFO(row.query);
    Subscriber subscriber = daemon.subscribe("/events?" + row.query);
    for (const std::string& data : row.data) CHECK(subscriber.next_published().data == data);
    if (row.data.empty()) REQUIRE(subscriber.next().event == "crier.open");
    CHECK_FALSE(subscriber.try_next(50).has_value());
  }
}

TEST_CASE("a parameter that is unknown or malformed is refused with a sentence") {
  const RunningDaemon daemon;
  const HttpAnswer unknown = daemon.get("/events?topic=a&lst=2");
  CHECK(unknown.status == 400);
  CHECK(Json::parse(unknown.body).at("message") ==
        "The parameter \"lst\" is unknown; /events takes topic, last, from, last_event_id, rate "
        "and padding, and ignores names that begin with '_'.");
  const HttpAnswer malformed = daemon.get("/events?topic=a&last=all");
  CHECK(malformed.status == 400);
  CHECK(Json::parse(malformed.body).at("code") == "bad_query");
}

// The gap that follows crier.open.
Json gap_of(Subscriber& subscriber) {
  REQUIRE(subscriber.next().event == "crier.open");
  const SseMessage gap = subscriber.next();
  REQUIRE(gap.event == "crier.gap");
  Json told = Json::parse(gap.data);
  CHECK(told.at("resumed_at") == gap.last_event_id);
  return told;
}

TEST_CASE("a position that means nothing is told, and the stream is live") {
  const RunningDaemon daemon;
  const std::string id = daemon.publish("a", "1");
  const std::string epoch = id.substr(0, id.find('-'));
  const std::string wrong = GENERATE("x", "17", "%00", "-", "epoch-999999");
  INFO(wrong);
  SubscriberOptions options;
  options.last_event_id = wrong == "epoch-999999" ? epoch + "-999999" : wrong;
  Subscriber subscriber = daemon.subscribe("/events?topic=a", options);
  const Json told = gap_of(subscriber);
  CHECK(told.at("reason") == "unknown-id");
  CHECK(told.at("missed").is_null());
  daemon.publish("a", "2");
  CHECK(subscriber.next().data == "2");
}

TEST_CASE("what history no longer holds is told") {
  const RunningDaemon daemon({.settings = {"history.events_max=3"}});
  const std::string first = daemon.publish("a", "1");
  for (int i = 2; i <= 10; ++i) daemon.publish("a", std::to_string(i));
  Subscriber subscriber = daemon.subscribe("/events?topic=a", {.last_event_id = first});
  CHECK(gap_of(subscriber).at("reason") == "evicted");
  for (const char* data : {"8", "9", "10"}) CHECK(subscriber.next().data == data);
}

TEST_CASE("after kill -9 the same addresses serve again, and streams learn of the loss") {
  RunningDaemon daemon;
  const std::string before = daemon.publish("a", "1");
  Subscriber cut = daemon.subscribe("/events?topic=a");
  REQUIRE(cut.next().event == "crier.open");
  daemon.kill();
  CHECK_FALSE(cut.wait_for_end());  // Without the last chunk: a client can tell it was cut.
  daemon.start();                   // The socket file that is left is nobody's, and is replaced.

  SECTION("nothing published since") {
    Subscriber subscriber = daemon.subscribe("/events?topic=a", {.last_event_id = before});
    const Json told = gap_of(subscriber);
    CHECK(told.at("reason") == "restarted");
    CHECK(told.at("missed").is_null());
    daemon.publish("a", "2");
    CHECK(subscriber.next().data == "2");
  }
  SECTION("what is retained follows") {
    daemon.publish("a", "2");
    Subscriber subscriber = daemon.subscribe("/events?topic=a", {.last_event_id = before});
    CHECK(gap_of(subscriber).at("reason") == "restarted");
    CHECK(subscriber.next().data == "2");
  }
}

}  // namespace
}  // namespace crier::tests
