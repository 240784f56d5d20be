// The stages in which the daemon meets limits.memory_max.
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

constexpr const char* kAsBrowser = "Accept: text/event-stream\r\n";

constexpr std::size_t kEventBytes = 1'000'000;

// Sanitizers multiply what a process uses, so the limit is far above what it takes at first.
DaemonOptions with_memory(std::vector<std::string> settings, const std::string& most = "512M") {
  settings.insert(settings.end(), {"limits.memory_max=" + most, "limits.event_bytes_max=1048576",
                                   "publish.idempotency_keys_max=0", "limits.streams_max=100"});
  return {.settings = std::move(settings), .workers = 1};
}

bool becomes(const RunningDaemon& daemon, const std::string& name, double at_least) {
  return wait_until(20'000, [&] { return daemon.metric(name) >= at_least; });
}

TEST_CASE("a history that fills the memory shrinks", "[memory]") {
  const RunningDaemon daemon(
      with_memory({"history.bytes_max=166000000", "history.events_max=1000000"}, "192M"));
  const std::string data(kEventBytes, 'd');
  int accepted = 0;
  for (int i = 0; i < 230; ++i) {
    // This is faster than the history can shrink, so the next stages may be reached, too.
    const HttpAnswer answer = daemon.publish_request("POST /topics/filler", data);
    if (answer.status != 202) break;
    ++accepted;
  }
  CHECK(daemon.wait_for_output("warning memory is short stage="));
  CHECK(becomes(daemon, "crier_history_evicted_total", accepted / 4.0));
  CHECK(daemon.metric("crier_memory_max_bytes") == 192 * 1'048'576);
  CHECK(daemon.output().find("more than three quarters of limits.memory_max") != std::string::npos);
}

TEST_CASE("streams that are owed too much end, new ones are told to wait, and others go on",
          "[memory]") {
  const RunningDaemon daemon(
      with_memory({"history.bytes_max=3000000", "history.events_max=3",
                   "limits.owed_bytes_max=67108864", "limits.owed_total_bytes_max=4000000000"}));
  Subscriber open = daemon.subscribe("/events?topic=seen");
  REQUIRE(open.next().event == "crier.open");
  std::vector<Subscriber> stopped;  // They read no event.
  for (int i = 0; i < 9; ++i) {
    stopped.push_back(daemon.subscribe("/events?topic=t." + std::to_string(i)));
    REQUIRE(stopped.back().next().event == "crier.open");
  }
  const std::string data(kEventBytes, 'd');
  HttpAnswer ready;
  for (int i = 0; i < 9 * 64; ++i) {
    const HttpAnswer answer =
        daemon.publish_request("POST /topics/t." + std::to_string(i % 9), data);
    CAPTURE(answer.status, answer.body);
    CHECK((answer.status == 202 || answer.body.find("\"code\":\"memory\"") != std::string::npos));
    if (i % 8 == 0) ready = daemon.admin_get("/readyz");
    if (ready.status == 503 || answer.status == 503) break;
  }
  ready = daemon.admin_get("/readyz");  // A publisher may have met the shortage first.
  CHECK(ready.body.starts_with("memory: "));
  Subscriber busy = daemon.subscribe("/events?topic=seen", {.fields = kAsBrowser});
  const SseMessage told = busy.next();
  CHECK(told.event == "crier.busy");
  CHECK(told.data.find("limits.memory_max") != std::string::npos);
  CHECK(busy.wait_for_end());
  REQUIRE(busy.retry_ms().has_value());
  CHECK(*busy.retry_ms() >= 15'000);
  CHECK(*busy.retry_ms() <= 45'000);
  CHECK(becomes(daemon, "crier_memory_stage", 3));
  CHECK(
      daemon.admin_get("/metrics").body.find("crier_requests_refused_total{reason=\"memory\"} 1") !=
      std::string::npos);
  // The stage falls later; what is open is served all the time.
  CHECK(daemon.admin_get("/healthz").status == 200);
}

TEST_CASE("bodies that arrive slowly are refused before they fill the memory", "[memory]") {
  const RunningDaemon daemon(with_memory({"limits.request_bytes_max=16777216"}));
  const std::string head = "POST /topics/a HTTP/1.1\r\nHost: x\r\nContent-Length: 16000000\r\n\r\n";
  std::vector<RawSocket> held;
  bool refused = false;
  while (!refused && held.size() < 80) {
    held.push_back(daemon.connect_publisher());
    try {
      held.back().send(head + std::string(8'000'000, 'x'));
    } catch (const std::exception&) {
      refused = true;  // It was answered, and closed as it went on sending.
    }
    refused = refused || held.back().read_more(20);
  }
  CHECK(refused);
  CHECK(daemon.wait_for_output("stage=refuse_events"));
  CHECK(daemon.admin_get("/healthz").status == 200);
}

TEST_CASE("a limit that idle streams alone would exceed is a reason not to start", "[memory]") {
  const auto failed =
      RunningDaemon::run_to_exit({"limits.memory_max=64M", "history.bytes_max=70000000"});
  CHECK(failed.code == 78);
  CHECK(failed.output.find("64 MiB of memory (limits.memory_max is 64M)") != std::string::npos);
}

}  // namespace
}  // namespace crier::tests
