// Closing a topic, from the publisher's request to the client's last: across workers, with real
// connections.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

using Json = nlohmann::json;

std::string close_topic(const RunningDaemon& daemon, const std::string& topic,
                        const std::string& body = "") {
  const HttpAnswer answer = daemon.publish_request("DELETE /topics/" + topic, body);
  REQUIRE(answer.status == 202);
  return Json::parse(answer.body).at("id");
}

void check_closed(Subscriber& subscriber, const std::string& topic, const std::string& id) {
  const SseMessage closed = subscriber.next();
  CHECK(closed.event == "crier.closed");
  CHECK(Json::parse(closed.data) == Json{{"topic", topic}});
  CHECK(closed.last_event_id == id);
}

void check_end(Subscriber& subscriber) {
  const SseMessage end = subscriber.next();
  CHECK(end.event == "crier.end");
  CHECK(Json::parse(end.data) == Json{{"reason", "closed"}});
  CHECK(subscriber.wait_for_end());
}

TEST_CASE("streams of a closed topic end, and their clients are told not to come back") {
  const RunningDaemon daemon({.settings = {"http.origins=[\"https://app.example\"]"}});
  std::vector<Subscriber> subscribers;
  for (int i = 0; i < 8; ++i) {
    subscribers.push_back(daemon.subscribe("/events/job", {.http_1_0 = i % 2 == 0}));
    REQUIRE(subscribers.back().next().event == "crier.open");
  }
  Subscriber mixed = daemon.subscribe("/events?topic=job&topic=other");
  REQUIRE(mixed.next().event == "crier.open");
  daemon.publish("job", "started");
  const std::string id = close_topic(daemon, "job?event=done", "bye");
  for (Subscriber& subscriber : subscribers) {
    CHECK(subscriber.next().data == "started");
    const SseMessage last = subscriber.next();
    CHECK(last.event == "done");
    CHECK(last.data == "bye");
    check_closed(subscriber, "job", id);
    check_end(subscriber);
    CHECK(subscriber.last_event_id() == id);
  }
  CHECK(mixed.next().data == "started");
  CHECK(mixed.next().data == "bye");
  check_closed(mixed, "job", id);
  daemon.publish("other", "goes on");
  CHECK(mixed.next().data == "goes on");

  RawSocket socket = daemon.connect();
  for (const std::string method : {"GET", "HEAD", "GET"}) {  // The connection is kept.
    socket.send(method + " /events/job HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n" +
                "Origin: https://app.example\r\nLast-Event-ID: " + id + "\r\n\r\n");
    const HttpAnswer done = socket.read_answer(true);
    CHECK(done.status == 204);
    CHECK(done.field("access-control-allow-origin") == "https://app.example");
    CHECK(done.field("cache-control") == "no-store");
    CHECK(done.field("x-trace-id").size() == 32);
    CHECK(done.field("content-length").empty());
    CHECK(done.field("transfer-encoding").empty());
  }
  CHECK(daemon.get("/events?topic=job&last_event_id=" + id).status == 204);
  CHECK(wait_until(kPatienceMs,
                   [&] { return daemon.metric("crier_stream_active_connections") == 1; }));
  const std::string metrics = daemon.admin_get("/metrics").body;
  CHECK(metrics.find("crier_streams_ended_total{reason=\"closed\"} 8\n") != std::string::npos);
  CHECK(metrics.find("crier_requests_refused_total{reason=\"closed\"} 4\n") != std::string::npos);
  CHECK(metrics.find("crier_topics_closed 1\n") != std::string::npos);
  CHECK(daemon.publish_request("POST /topics/job", "x").status == 409);
}

TEST_CASE("a client of a closed topic gets what it has not had, the closing event and the end") {
  const bool retained = GENERATE(true, false);
  const RunningDaemon daemon(
      {.settings = {std::string("history.events_max=") + (retained ? "100" : "0")}});
  const std::string first = daemon.publish("job", "1");
  const std::string second = daemon.publish("job", "2");
  const std::string id = close_topic(daemon, "job");
  const std::string later = daemon.publish("other", "x");

  Subscriber from_first = daemon.subscribe("/events/job", {.last_event_id = first});
  REQUIRE(from_first.next().event == "crier.open");
  if (retained) {
    CHECK(from_first.next().data == "2");
  } else {
    CHECK(from_first.next().event == "crier.gap");
  }
  check_closed(from_first, "job", id);
  check_end(from_first);

  Subscriber from_second = daemon.subscribe("/events/job", {.last_event_id = second});
  REQUIRE(from_second.next().event == "crier.open");
  check_closed(from_second, "job", id);
  check_end(from_second);

  Subscriber fresh = daemon.subscribe("/events/job");
  CHECK(fresh.next().last_event_id == later);
  check_closed(fresh, "job", later);
  check_end(fresh);
  CHECK(daemon.get("/events?topic=job&last_event_id=" + later).status == 204);

  Subscriber last = daemon.subscribe("/events/job?last=1");
  REQUIRE(last.next().event == "crier.open");
  if (retained) CHECK(last.next().data == "2");
  check_closed(last, "job", id);
  check_end(last);
}

TEST_CASE("a full server says 204 all the same, and a restart forgets") {
  RunningDaemon daemon({.settings = {"limits.streams_max=1"}});
  const std::string id = close_topic(daemon, "job");
  Subscriber holder = daemon.subscribe("/events/other");
  REQUIRE(holder.next().event == "crier.open");
  CHECK(daemon.get("/events?topic=job&last_event_id=" + id).status == 204);
  CHECK(daemon.get("/events?topic=job").status == 503);
  daemon.stop();
  daemon.start();
  CHECK(daemon.publish_request("GET /topics/job", "").status == 404);
  daemon.publish("job", "again");
}

}  // namespace
}  // namespace crier::tests
