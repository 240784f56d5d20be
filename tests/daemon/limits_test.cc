// What a full server answers, and what a stream may not do.
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

constexpr const char* kBrowser = "Accept: text/event-stream\r\n";

TEST_CASE("a browser that meets a full server is told to come back") {
  const RunningDaemon daemon({.settings = {"limits.streams_max=2"}});
  Subscriber first = daemon.subscribe("/events?topic=a");
  Subscriber second = daemon.subscribe("/events?topic=a");
  REQUIRE(first.next().event == "crier.open");
  REQUIRE(second.next().event == "crier.open");

  Subscriber busy = daemon.subscribe("/events?topic=a", {.fields = kBrowser});
  CHECK(busy.head().status == 200);
  CHECK(busy.head().field("cache-control") == "no-store");
  const SseMessage told = busy.next();
  CHECK(told.event == "crier.busy");
  CHECK(told.last_event_id.empty());
  CHECK(told.data.find("limits.streams_max") != std::string::npos);
  CHECK(busy.wait_for_end());
  CHECK(busy.socket().read_to_end().empty());
  REQUIRE(busy.retry_ms().has_value());
  CHECK(*busy.retry_ms() >= 5'000);
  CHECK(*busy.retry_ms() <= 30'000);

  const HttpAnswer refused = daemon.get("/events?topic=a");
  CHECK(refused.status == 503);
  CHECK_FALSE(refused.field("retry-after").empty());
  CHECK(refused.body.find("limits.streams_max") != std::string::npos);

  // Those who are in notice nothing, and a place that is given back is taken.
  daemon.publish("a", "1");
  CHECK(first.next().data == "1");
  CHECK(second.next().data == "1");
  second.socket().close();
  for (int tries = 0; tries < 200; ++tries) {
    Subscriber again = daemon.subscribe("/events?topic=a", {.fields = kBrowser});
    if (again.next().event == "crier.open") return;
  }
  FAIL("the place of a stream that went away was not given back");
}

// `series`: its name, with its labels.
double metric(const RunningDaemon& daemon, std::string series) {
  const std::string text = daemon.admin_get("/metrics").body;
  const std::size_t at = text.find("\n" + (series += ' '));
  return at == std::string::npos ? -1 : std::stod(text.substr(at + 1 + series.size()));
}

TEST_CASE("a full server is not ready, and is again when somebody leaves") {
  const RunningDaemon daemon({.settings = {"limits.streams_max=1"}});
  CHECK(daemon.admin_get("/readyz").status == 200);
  {
    Subscriber only = daemon.subscribe("/events?topic=a");
    REQUIRE(only.next().event == "crier.open");
    const HttpAnswer full = daemon.admin_get("/readyz");
    CHECK(full.status == 503);
    CHECK(full.body.starts_with("full: "));
    CHECK(metric(daemon, "crier_ready") == 0);
    CHECK(daemon.admin_get("/healthz").status == 200);
    CHECK(daemon.wait_for_output("warning limit reached limit=limits.streams_max value=1 "));
  }
  for (int tries = 0; tries < 200; ++tries) {
    if (daemon.admin_get("/readyz").status == 200) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  FAIL("still not ready after its stream went away");
}

TEST_CASE("with few open files, the first stream needs as many as crier says, and they are named") {
  if (own_tables_are_ordered()) return;  // There is room for more than one then.
  const auto failed = RunningDaemon::run_to_exit(
      {"http.listen=127.255.255.250:8080", "workers.count=2"}, {}, {}, /*descriptors_max=*/200);
  INFO(failed.output);
  CHECK(failed.code == 78);
  const std::string told = "crier: 200 open files leave room for no stream: the first one needs ";
  REQUIRE(failed.output.starts_with(told));
  CHECK(failed.output.find("raise LimitNOFILE= (ulimit -n)") != std::string::npos);
  const auto needed = static_cast<unsigned>(std::stoul(failed.output.substr(told.size())));

  const RunningDaemon daemon({.settings = {"limits.streams_max=auto"}, .descriptors_max = needed});
  Subscriber only = daemon.subscribe("/events?topic=a");
  REQUIRE(only.next().event == "crier.open");
  for (const std::string& text :
       {daemon.get("/events?topic=a").body, daemon.admin_get("/readyz").body}) {
    INFO(text);
    CHECK(text.find("the limit on open files") != std::string::npos);
    CHECK(text.find("limits.streams_max") == std::string::npos);
  }
}

TEST_CASE("with limits.refuse_with=status everybody gets a status") {
  const RunningDaemon daemon({.settings = {"limits.streams_max=1", "limits.refuse_with=status"}});
  Subscriber first = daemon.subscribe("/events?topic=a");
  REQUIRE(first.next().event == "crier.open");
  const HttpAnswer refused = daemon.get("/events?topic=a", kBrowser);
  CHECK(refused.status == 503);
  CHECK_FALSE(refused.field("retry-after").empty());
}

TEST_CASE("a topic nobody listens to any more makes room for another") {
  const RunningDaemon daemon({.settings = {"limits.topics_max=1"}, .workers = 1});
  std::vector<Subscriber> subscribers;  // One topic more than may have history.
  for (const char* topic : {"a", "b", "b"}) {
    subscribers.push_back(daemon.subscribe("/events?topic=" + std::string(topic)));
    REQUIRE(subscribers.back().next().event == "crier.open");
  }
  const HttpAnswer refused = daemon.get("/events?topic=c");
  CHECK(refused.status == 503);
  CHECK_FALSE(refused.field("retry-after").empty());
  CHECK(refused.body.find("limits.topics_max") != std::string::npos);
  Subscriber busy = daemon.subscribe("/events?topic=c", {.fields = kBrowser});
  CHECK(busy.next().data.find("limits.topics_max") != std::string::npos);

  subscribers.front().socket().close();
  for (int tries = 0; tries < 200; ++tries) {
    Subscriber again = daemon.subscribe("/events?topic=c", {.fields = kBrowser});
    if (again.next().event == "crier.open") return;
  }
  FAIL("the row of a topic without streams was not given back");
}

TEST_CASE("the cap per client address counts that address only") {
  const RunningDaemon daemon({.settings = {"limits.streams_per_address_max=2"}, .workers = 4});
  Subscriber first = daemon.subscribe("/events?topic=a");
  Subscriber second = daemon.subscribe("/events?topic=a");
  REQUIRE(first.next().event == "crier.open");
  REQUIRE(second.next().event == "crier.open");
  CHECK(daemon.get("/events?topic=a").status == 429);
  Subscriber busy = daemon.subscribe("/events?topic=a", {.fields = kBrowser});
  CHECK(busy.next().event == "crier.busy");
}

// Opens streams until one of these targets is served again.
bool served_again(const RunningDaemon& daemon, const std::string& target) {
  return wait_until(kPatienceMs, [&] {
    Subscriber again = daemon.subscribe(target, {.fields = kBrowser});
    return again.next().event == "crier.open";
  });
}

TEST_CASE("the caps per topic and per row of topics count over all workers") {
  struct Capped {
    std::string reason;
    std::string named;  // What the client is told to blame.
    DaemonOptions options;
  };
  const auto [reason, named, options] = GENERATE(values<Capped>({
      {"streams_per_topic_max",
       "limits.streams_per_topic_max",
       {.settings = {"limits.streams_per_topic_max=3"}, .workers = 4}},
      {"class_streams_max",
       "a.>",
       {.configuration = R"({"topics": [{"match": "a.>", "streams_max": 3}]})", .workers = 4}},
  }));
  INFO(reason);
  const RunningDaemon daemon(options);
  std::vector<Subscriber> streams;
  for (const char* target : {"/events?topic=a.b", "/events?topic=a.b&topic=c", "/events/a.b"}) {
    streams.push_back(daemon.subscribe(target));
    REQUIRE(streams.back().next().event == "crier.open");
  }
  for (int tries = 0; tries < 8; ++tries) {  // The kernel picks a worker for each.
    const HttpAnswer status = daemon.get("/events?topic=c&topic=a.b");
    CHECK(status.status == 503);
    CHECK_FALSE(status.field("retry-after").empty());
    CHECK(status.body.find(reason) != std::string::npos);
    CHECK(status.body.find(named) != std::string::npos);
  }
  Subscriber busy = daemon.subscribe("/events?topic=a.b", {.fields = kBrowser});
  CHECK(busy.head().status == 200);
  const SseMessage told = busy.next();
  CHECK(told.event == "crier.busy");
  CHECK(told.data.find("\"" + reason + "\"") != std::string::npos);
  CHECK(metric(daemon, "crier_requests_refused_total{reason=\"" + reason + "\"}") == 9);
  CHECK(daemon.wait_for_output("limit reached limit="));

  Subscriber other = daemon.subscribe("/events?topic=c");  // Others are served.
  CHECK(other.next().event == "crier.open");
  daemon.publish("a.b", "1");
  for (Subscriber& stream : streams) CHECK(stream.next().data == "1");
  for (int i = 0; i < 3; ++i) {  // As many are served again as leave.
    streams.back().socket().close();
    streams.pop_back();
    CHECK(served_again(daemon, "/events?topic=a.b"));
  }
}

TEST_CASE("a topic's history keeps within its bytes, and costs other topics nothing") {
  const RunningDaemon daemon({.configuration = R"({"history": {"topic_bytes_max": 10000},
                            "topics": [{"match": "row", "bytes_max": 30000}]})"});
  daemon.publish("quiet", "kept");
  for (int i = 0; i < 40; ++i) {
    daemon.publish("busy", std::string(1'000, 'x') + std::to_string(i));
    daemon.publish("row", std::string(1'000, 'y') + std::to_string(i));
  }
  const auto replayed = [&](const std::string& topic) {
    Subscriber stream = daemon.subscribe("/events?topic=" + topic + "&from=earliest");
    REQUIRE(stream.next().event == "crier.open");
    daemon.publish(topic, "end");
    int events = 0;
    while (stream.next_published().data != "end") ++events;
    return events;
  };
  // An event takes its 1,000 bytes and less than 250 more.
  const int busy = replayed("busy");
  CHECK(busy >= 7);
  CHECK(busy <= 10);
  const int row = replayed("row");
  CHECK(row >= 23);
  CHECK(row <= 30);
  CHECK(replayed("quiet") == 1);
  CHECK(metric(daemon, "crier_history_evicted_total{cause=\"topic-bytes\"}") >= 80 - busy - row);
}

TEST_CASE("a stream that sends floods of input is ended, others are not") {
  const RunningDaemon daemon;
  Subscriber other = daemon.subscribe("/events?topic=a");
  Subscriber flood = daemon.subscribe("/events?topic=a");
  REQUIRE(other.next().event == "crier.open");
  REQUIRE(flood.next().event == "crier.open");
  const std::string request = "GET /events?topic=a HTTP/1.1\r\nHost: localhost\r\n\r\n";
  flood.socket().send(request);  // Discarded: never answered as a second request.
  daemon.publish("a", "1");
  CHECK(flood.next().data == "1");
  CHECK(flood.text().find("HTTP/1.1") == std::string::npos);
  try {
    for (int i = 0; i < 100; ++i) flood.socket().send(std::string(4'096, 'x'));
  } catch (const SocketError&) {
    // Ended while we were sending.
  }
  while (flood.try_next()) {
  }
  CHECK(flood.socket().ended());
  daemon.publish("a", "2");
  CHECK(other.next().data == "1");
  CHECK(other.next().data == "2");
}

TEST_CASE("a stream that has lasted long enough is told, and ended", "[slow]") {
  const RunningDaemon daemon({.settings = {"limits.stream_seconds_max=1"}});
  const bool old = GENERATE(false, true);
  const std::string id = daemon.publish("a", "before");
  Subscriber subscriber = daemon.subscribe("/events?topic=a", {.http_1_0 = old});
  REQUIRE(subscriber.next().event == "crier.open");
  const SseMessage end = subscriber.next();
  CHECK(end.event == "crier.end");
  CHECK(end.data.find("\"expired\"") != std::string::npos);
  CHECK(end.last_event_id == id);  // It has none of its own; the position is kept.
  CHECK(subscriber.retry_ms().has_value());
  CHECK(subscriber.wait_for_end());
  CHECK(subscriber.socket().read_to_end().empty());  // The connection ends, too.

  daemon.publish("a", "meanwhile");
  Subscriber again =
      daemon.subscribe("/events?topic=a", {.last_event_id = subscriber.last_event_id()});
  CHECK(again.next_published().data == "meanwhile");
}

TEST_CASE("a stream over its rate is paced, the others are not", "[slow]") {
  const auto [name, options, query,
              fields] = GENERATE(table<std::string, DaemonOptions, std::string, std::string>({
      {"by its class",
       {.configuration = R"({"topics": [{"match": "slow.>", "rate": 10, "burst": 5}]})"},
       "",
       ""},
      {"by the bytes of its class",
       {.configuration = R"({"topics": [{"match": "slow.>", "bytes_rate": 1000,
                                         "bytes_burst": 510}]})"},
       "",
       ""},
      {"by the rate of all",
       {.settings = {"limits.events_per_second=10", "limits.events_burst=5"}},
       "",
       ""},
      {"by its client", {}, "&rate=8", ""},
      {"by what its client can take", {}, "", "X-Consumer-Throughput: 8\r\nX-Consumer-Lag: 3\r\n"},
  }));
  INFO(name);
  const RunningDaemon daemon(options);
  Subscriber paced = daemon.subscribe("/events?topic=slow.a" + query, {.fields = fields});
  Subscriber free = daemon.subscribe("/events?topic=fast");
  REQUIRE(paced.next().event == "crier.open");
  REQUIRE(free.next().event == "crier.open");
  // Each takes about 100 bytes on the wire.
  const auto data = [](int i) { return std::to_string(i) + std::string(62, '.'); };
  for (int i = 0; i < 20; ++i) daemon.publish("slow.a", data(i));
  daemon.publish("fast", "x");
  CHECK(free.next(1'000).data == "x");
  for (int i = 0; i < 5; ++i) CHECK(paced.next().data == data(i));
  // 15 more at 10 a second take 1.5 s; none is lost.
  const auto began = std::chrono::steady_clock::now();
  for (int i = 5; i < 20; ++i) CHECK(paced.next().data == data(i));
  CHECK(std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(1'000));
}

TEST_CASE("nonsense that a client says of itself is ignored") {
  const RunningDaemon daemon;
  const std::string nonsense =
      GENERATE("", "0", "-1", "fast", "1e3", "99999999999999999999", "1, 2");
  Subscriber stream =
      daemon.subscribe("/events/a", {.fields = "X-Consumer-Throughput: " + nonsense +
                                               "\r\nX-Consumer-Lag: " + nonsense + "\r\n"});
  REQUIRE(stream.next().event == "crier.open");
  for (int i = 0; i < 20; ++i) daemon.publish("a", std::to_string(i));
  for (int i = 0; i < 20; ++i) CHECK(stream.next().data == std::to_string(i));
  CHECK(daemon.metric("crier_write_blocked_total") == 0);
}

}  // namespace
}  // namespace crier::tests
