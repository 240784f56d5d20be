// The stream of figures for the dashboard, as a running daemon sends it.
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

using Json = nlohmann::json;

Json next_sample(Subscriber& viewer) {
  const SseMessage message = viewer.next();
  CHECK(message.event == "sample");
  return Json::parse(message.data);
}

TEST_CASE("a viewer sees the figures of /status and /metrics, and the start of another daemon") {
  RunningDaemon daemon;
  std::vector<Subscriber> subscribers;
  for (int i = 0; i < 3; ++i) {
    subscribers.push_back(daemon.subscribe("/events?topic=a"));
    REQUIRE(subscribers.back().next().event == "crier.open");
  }
  for (int i = 0; i < 4; ++i) daemon.publish("a", "x");
  for (Subscriber& each : subscribers) {
    for (int i = 0; i < 4; ++i) CHECK(each.next().data == "x");
  }
  REQUIRE(daemon.get("/events?topic=").status == 400);
  // A text of /metrics may be half a second old, and a worker counts after its client has read.
  REQUIRE(wait_until(kPatienceMs, [&] {
    return daemon.metric("crier_requests_refused_total") == 1 &&
           daemon.metric("crier_events_delivered_total") == 12 &&
           daemon.metric("crier_stream_latency_seconds_count") == 12;
  }));

  Json status = Json::parse(daemon.admin_get("/status").body);
  Subscriber viewer(daemon.connect_admin(), "/stats");
  Json sample = next_sample(viewer);
  CHECK(viewer.head().field("content-type") == "text/event-stream");
  CHECK(viewer.retry_ms() == 2'000);
  CHECK(sample["ready"] == true);
  for (const char* moving : {"uptime_seconds", "memory_bytes", "history_oldest_age_seconds"}) {
    CHECK(sample["figures"].erase(moving) == 1);
    CHECK(status.erase(moving) == 1);
  }
  status.erase("ready");
  CHECK(sample["figures"] == status);
  CHECK(sample["figures"]["events_delivered"] == 12);
  CHECK(sample["refused"] == status["requests_refused"]);
  CHECK(sample["refused"].size() == 1);
  double delivered = 0;
  double streams = 0;
  for (const Json& worker : sample["workers"]) {
    delivered += worker["delivered"].get<double>();
    streams += worker["streams"].get<double>();
    CHECK(worker["turns"] > 0);
  }
  CHECK(sample["workers"].size() == 2);
  CHECK(delivered == daemon.metric("crier_events_delivered_total"));
  CHECK(streams == 3);
  double observed = 0;
  for (const Json& count : sample["histograms"]["stream_latency"]["counts"]) {
    observed += count.get<double>();
  }
  CHECK(observed == daemon.metric("crier_stream_latency_seconds_count"));
  const Json second = next_sample(viewer);
  const double apart = second["time"].get<double>() - sample["time"].get<double>();
  CHECK(apart > 0.5);
  CHECK(second["start"] == sample["start"]);
  CHECK(second["memory"]["streams"] > 0);

  subscribers.clear();
  CHECK(daemon.stop() == 0);
  CHECK(viewer.wait_for_end());
  daemon.start();
  Subscriber again(daemon.connect_admin(), "/stats");
  const Json after = next_sample(again);
  CHECK(after["start"] > sample["start"]);
  CHECK(after["figures"]["events_delivered"] == 0);
}

TEST_CASE("sixteen viewers are served, another one is not") {
  const RunningDaemon daemon;
  std::vector<std::unique_ptr<Subscriber>> viewers;
  for (int i = 0; i < 16; ++i) {
    viewers.push_back(std::make_unique<Subscriber>(daemon.connect_admin(), "/stats"));
    CHECK(next_sample(*viewers.back())["ready"] == true);
  }
  const HttpAnswer refused = daemon.admin_get("/stats");
  CHECK(refused.status == 503);
  CHECK(Json::parse(refused.body)["code"] == "too_many_viewers");
  viewers.pop_back();
  CHECK(wait_until(kPatienceMs, [&] {
    Subscriber viewer(daemon.connect_admin(), "/stats");
    return viewer.head().status == 200;
  }));
}

}  // namespace
}  // namespace crier::tests
