#include "cmd/daemon/admin/stats_viewers.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/broadcast/log/log_support.h"
#include "tests/cmd/daemon/admin/admin_routes_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;
using net::http_test::Client;
using net::http_test::turn_for;
using net::http_test::turn_until;
using nlohmann::json;

constexpr std::string_view kEvent = "event: sample\ndata: ";

// The sample that begins at `at`.
json sample_at(const std::string& text, std::size_t at) {
  REQUIRE(at != std::string::npos);
  at += kEvent.size();
  return json::parse(text.substr(at, text.find('\n', at) - at));
}

std::size_t samples_in(const std::string& text) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(kEvent, at)) != std::string::npos; ++at) ++count;
  return count;
}

std::unique_ptr<Client> viewer_of(Served& served, std::string_view fields = "Host: localhost\r\n") {
  auto client = std::make_unique<Client>(served.loop, served.path);
  const std::size_t before = served.viewers.count();
  served.send(*client, "/stats", "GET", fields);
  REQUIRE(turn_until(served.loop, [&] { return served.viewers.count() == before + 1; }));
  return client;
}

// Samples of a few kilobytes fill the socket of a client soon.
struct TwentyWorkers {
  explicit TwentyWorkers(Served& served) {
    served.viewers.set_sources(
        {.workers = std::vector(20, &worker), .loops = std::vector(20, &loop)});
  }
  const broadcast::WorkerStats worker;
  const net::LoopStats loop;
};

TEST_CASE("a viewer gets a sample at once, and then one after the other") {
  Served served;
  served.why_not_ready = "full";
  auto viewer = viewer_of(served);
  const std::string text = viewer->receive(5'000);
  CHECK_THAT(text, ContainsSubstring("Content-Type: text/event-stream\r\n") &&
                       ContainsSubstring("X-Trace-Id: ") && ContainsSubstring("retry: 2000\n\n"));
  CHECK(samples_in(text) > 2);
  const json first = sample_at(text, text.find(kEvent));
  CHECK(first["ready"] == false);
  CHECK(first["ready_detail"] == "full");
  const json last = sample_at(text, text.rfind(kEvent, text.rfind("\n\n")));
  CHECK(last["time"] > first["time"]);
}

TEST_CASE("a sample is made once for all viewers, and only while there is one") {
  Served served;
  turn_for(served.loop, 20);
  CHECK(served.viewers.samples_made() == 0);
  auto one = viewer_of(served);
  auto two = viewer_of(served);
  const auto made = served.viewers.samples_made();
  CHECK(made >= 1);
  REQUIRE(turn_until(served.loop, [&] { return served.viewers.samples_made() >= made + 5; }));
  const std::size_t seen_by_one = samples_in(one->receive(1));
  const std::size_t seen_by_two = samples_in(two->receive(1));
  CHECK(seen_by_one <= served.viewers.samples_made());
  CHECK(seen_by_one + seen_by_two > served.viewers.samples_made() + 3);
  one.reset();
  two.reset();
  REQUIRE(turn_until(served.loop, [&] { return served.viewers.count() == 0; }));
  const auto before = served.viewers.samples_made();
  turn_for(served.loop, 20);
  CHECK(served.viewers.samples_made() == before);
}

TEST_CASE("new viewers share a sample that is half a second old at most") {
  Served served;
  for (const std::uint64_t made : {1U, 1U, 2U}) {
    if (made == 2) served.now.us += 500'000;
    CAPTURE(made);
    Client client(served.loop, served.path);
    client.send("GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n");
    REQUIRE(turn_until(served.loop, [&] { return served.viewers.count() == 1; }));
    CHECK(served.viewers.samples_made() == made);
    client.leave();
    // Before a sample is due: a Unix socket shows at once that its client has left.
    served.viewers.close();
  }
}

TEST_CASE("the seventeenth viewer is refused until another one leaves; HEAD takes no place") {
  Served served;
  std::vector<std::unique_ptr<Client>> all;
  for (std::size_t i = 0; i < StatsViewers::kViewersMax; ++i) all.push_back(viewer_of(served));
  const Reply refused = served.get("/stats");
  CHECK(refused.status == 503);
  CHECK(json::parse(refused.body)["code"] == "too_many_viewers");
  CHECK_THAT(refused.head, ContainsSubstring("Retry-After: 1\r\n"));
  const Reply looked = served.get("/stats", "HEAD");
  CHECK(looked.status == 200);
  CHECK(looked.body.empty());
  CHECK_THAT(served.get("/healthz").body, EndsWith("ok\n"));
  all.pop_back();
  REQUIRE(turn_until(served.loop, [&] { return served.viewers.count() == all.size(); }));
  all.push_back(viewer_of(served));
}

TEST_CASE("a viewer that does not read misses samples, and the others do not") {
  Served served;
  const TwentyWorkers workers(served);
  auto sleeper = viewer_of(served);
  auto reader = viewer_of(served);
  const auto full = [&] {
    reader->receive(1);
    return served.viewers.samples_made() > 300;
  };
  REQUIRE(turn_until(served.loop, full));
  const std::uint64_t made = served.viewers.samples_made();
  CHECK(samples_in(reader->receive(1)) > 290);
  CHECK(sample_at(reader->receive(1), reader->receive(1).find(kEvent))["workers"].size() == 17);
  const std::size_t seen = samples_in(sleeper->receive(1));
  CHECK(seen > 20);
  CHECK(seen < made - 50);
  // It reads again, and gets what is new.
  sleeper->forget();
  REQUIRE(turn_until(served.loop, [&] { return samples_in(sleeper->receive(1)) > 5; }));
  const json last = sample_at(sleeper->receive(1), sleeper->receive(1).find(kEvent));
  CHECK(last["time"] > 0);
}

TEST_CASE("a viewer for which bytes wait for half a minute is ended") {
  Served served;
  const TwentyWorkers workers(served);
  auto sleeper = viewer_of(served);
  REQUIRE(turn_until(served.loop, [&] { return served.viewers.samples_made() > 300; }));
  CHECK(served.viewers.count() == 1);
  served.now.us += (StatsViewers::kUnreadSeconds + 1) * 1'000'000;
  REQUIRE(turn_until(served.loop, [&] { return served.viewers.count() == 0; }));
}

TEST_CASE("a stream that waits behind another of its connection keeps no place") {
  Served served;
  const std::string request = "GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n";
  Client client(served.loop, served.path);
  client.send(request + request);
  REQUIRE(turn_until(served.loop, [&] { return served.viewers.count() == 2; }));
  client.receive(1);
  served.now.us += (StatsViewers::kUnreadSeconds + 1) * 1'000'000;
  const auto made = served.viewers.samples_made();
  REQUIRE(turn_until(served.loop, [&] {
    client.receive(1);
    return served.viewers.samples_made() > made + 5;
  }));
  CHECK(served.viewers.count() == 1);
}

TEST_CASE("a viewer whose first sample has to wait gets the next one") {
  Served served;
  const std::string big(300'000, 'x');
  served.catalogue.gauge("big", big).add([] { return 1.0; });
  Client client(served.loop, served.path);
  client.send(
      "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
      "GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n");
  REQUIRE(turn_until(served.loop, [&] { return served.viewers.count() == 1; }));
  REQUIRE(turn_until(served.loop, [&] { return samples_in(client.receive(1)) > 2; }));
}

TEST_CASE("a viewer that asks for more, or sends no more, gets its samples") {
  Served served;
  auto viewer = viewer_of(served);
  viewer->send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  viewer->send_no_more();
  turn_for(served.loop, 300);  // The server looks for clients that have left every 250 ms.
  viewer->receive(1);
  viewer->forget();
  CHECK(samples_in(viewer->receive(2'000)) > 1);
  CHECK_THAT(viewer->receive(1), !ContainsSubstring("\nok\n"));
}

json last_sample(Client& viewer) {
  const std::string& text = viewer.receive(1);
  return sample_at(text, text.rfind(kEvent, text.rfind("\n\n")));
}

TEST_CASE("http.backlog is that of the fullest worker") {
  Served served;
  std::vector<net::ListenerCounters> listeners(8);
  StatsViewers::Sources sources;
  for (net::ListenerCounters& each : listeners) {
    each.waiting_max.set(128);
    sources.listeners.push_back(&each);
  }
  listeners[2].waiting.set(3);
  listeners[5].waiting.set(128);
  served.viewers.set_sources(sources);
  auto viewer = viewer_of(served);
  const json limits = sample_at(viewer->receive(1), viewer->receive(1).find(kEvent))["limits"];
  CHECK(limits == json::array({{{"knob", "http.backlog"}, {"now", 128}, {"max", 128}}}));
}

TEST_CASE("the busiest topics are counted while there is a viewer and admin.debug is true") {
  Served served;
  auto viewer = viewer_of(served);
  CHECK_FALSE(last_sample(*viewer).contains("topics"));
  CHECK(served.batches.empty());

  served.config.admin.debug = true;
  REQUIRE(turn_until(served.loop, [&] { return last_sample(*viewer).contains("topics"); }));
  CHECK(last_sample(*viewer)["topics"] == json::array());
  broadcast::Batch batch;
  for (int i = 0; i < 80; ++i) {
    const std::string topic = i < 30 ? "rare" : "often";
    batch.push_back(broadcast::append(served.log, {.topic = topic, .data = "x"}));
  }
  served.batches.show(batch);
  served.now.us += 1'000'000;
  REQUIRE(turn_until(served.loop, [&] { return last_sample(*viewer)["topics"].size() == 2; }));
  const json unknown = last_sample(*viewer)["topics"];
  CHECK(unknown[0] == json{{"topic", "often"}, {"events_per_second", 50}});
  CHECK(unknown[1] == json{{"topic", "rare"}, {"events_per_second", 30}});

  const bool often_first = served.queries.asked_topics.at(0) == "often";
  served.queries.counted(often_first ? std::vector<std::uint64_t>{0, 100}
                                     : std::vector<std::uint64_t>{100, 0});
  REQUIRE(turn_until(served.loop, [&] {
    return last_sample(*viewer)["topics"][0] == json{{"topic", "rare"},
                                                     {"events_per_second", 30},
                                                     {"streams", 100},
                                                     {"deliveries_per_second", 3'000}};
  }));
  CHECK(last_sample(*viewer)["topics"][1]["deliveries_per_second"] == 0);

  CHECK_FALSE(served.batches.empty());
  viewer.reset();
  REQUIRE(turn_until(served.loop, [&] { return served.viewers.count() == 0; }));
  CHECK(served.batches.empty());
}

TEST_CASE("the streams furthest behind are those that the workers found") {
  Served served;
  served.config.admin.debug = true;
  for (const std::uint64_t second : {2U, 3U, 4U}) {
    broadcast::append(served.log, {.topic = "news", .data = "x"}, Instant{second * 1'000'000});
  }
  served.now.us = 10'000'000;
  auto viewer = viewer_of(served);
  REQUIRE(turn_until(served.loop, [&] { return served.queries.lagged != nullptr; }));
  StreamRow late{
      .trace_id = "id", .address = "192.0.2.1:5", .topics = {{.text = "news"}, {.text = "b"}}};
  late.owed_bytes = 700;
  late.position = 1;
  StreamRow later = late;
  later.position = 0;
  StreamRow unknown = late;
  unknown.from_history = true;
  unknown.topics = {*Selector::parse("*")};
  StreamRow nothing = late;
  nothing.position = 3;
  std::exchange(served.queries.lagged, nullptr)(
      std::vector<LaggingStream>{{3, 2, late}, {1, 1, later}, {0, 4, nothing}, {2, 1, unknown}});
  // What comes after the answer is not what the streams were behind then.
  broadcast::append(served.log, {.topic = "news", .data = "x"}, Instant{11'000'000});
  served.now.us = 12'000'000;
  REQUIRE(turn_until(served.loop, [&] { return last_sample(*viewer)["lagging"].size() == 3; }));
  const json rows = last_sample(*viewer)["lagging"];
  CHECK(rows[0]["worker"] == 1);
  CHECK(rows[0]["lag_events"] == 3);
  CHECK(rows[0]["lag_seconds"] == 8);
  CHECK(rows[1] == json{{"worker", 3},
                        {"address", "192.0.2.1:5"},
                        {"topic", "news"},
                        {"topics", 2},
                        {"trace_id", "id"},
                        {"lag_events", 2},
                        {"lag_seconds", 7},
                        {"owed_bytes", 700}});
  CHECK(rows[2]["topic"] == "*");
  CHECK_FALSE(rows[2].contains("lag_events"));

  REQUIRE(turn_until(served.loop, [&] { return served.queries.lagged != nullptr; }));
  viewer.reset();
  REQUIRE(turn_until(served.loop, [&] { return served.viewers.count() == 0; }));
  std::exchange(served.queries.lagged, nullptr)(std::vector<LaggingStream>{{3, 2, late}});
  served.now.us = 14'000'000;
  viewer = viewer_of(served);
  REQUIRE(turn_until(served.loop, [&] { return last_sample(*viewer).contains("lagging"); }));
  CHECK(last_sample(*viewer)["lagging"].empty());
}

TEST_CASE("viewers' answers end when the endpoint closes") {
  Served served;
  auto viewer = viewer_of(served);
  served.viewers.close();
  served.server->close();
  CHECK_THAT(viewer->receive_all(), EndsWith("\r\n0\r\n\r\n"));
  CHECK(served.viewers.count() == 0);
}

}  // namespace
}  // namespace crier::cmd
