// The stages in which the daemon meets limits.memory_max.
#include <string>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

constexpr const char* kEventSource = "Accept: text/event-stream\r\n";

// Sanitizers multiply what a process uses, so the history alone has to make memory short: its
// account is crier's own, and the limit is far above what the process takes besides.
DaemonOptions little_memory() {
  return {.settings = {"limits.memory_max=512M", "history.bytes_max=530000000",
                       "history.events_max=1000000", "limits.streams_max=100",
                       "limits.event_bytes_max=1048576", "publish.idempotency_keys_max=0"},
          .workers = 1};
}

TEST_CASE("memory that runs short refuses new streams, then publishers, and keeps what is open") {
  const RunningDaemon daemon(little_memory());
  Subscriber open = daemon.subscribe("/events?topic=seen");
  REQUIRE(open.next().event == "crier.open");
  const std::string data(1'000'000, 'd');
  int published = 0;
  HttpAnswer answer;
  for (; published < 700; ++published) {
    answer = daemon.publish_request("POST /topics/filler", data);
    if (answer.status != 202) break;
  }
  CHECK(answer.status == 503);
  CHECK(answer.body.find("\"code\":\"memory\"") != std::string::npos);
  CHECK(answer.body.find("limits.memory_max") != std::string::npos);
  CHECK_FALSE(answer.field("retry-after").empty());

  Subscriber busy = daemon.subscribe("/events?topic=seen", {.fields = kEventSource});
  const SseMessage told = busy.next();
  CHECK(told.event == "crier.busy");
  CHECK(told.data.find("limits.memory_max") != std::string::npos);
  CHECK(busy.wait_for_end());
  REQUIRE(busy.retry_ms().has_value());
  CHECK(*busy.retry_ms() >= 15'000);
  CHECK(*busy.retry_ms() <= 45'000);

  const HttpAnswer ready = daemon.admin_get("/readyz");
  CHECK(ready.status == 503);
  CHECK(ready.body.starts_with("memory: "));
  const std::string metrics = daemon.admin_get("/metrics").body;
  CHECK(metrics.find("crier_memory_stage 5") != std::string::npos);
  CHECK(metrics.find("crier_memory_max_bytes 536870912") != std::string::npos);
  CHECK(metrics.find("crier_requests_refused_total{reason=\"memory\"} 1") != std::string::npos);
  CHECK(metrics.find("crier_publish_refused_total{reason=\"memory\"} 1") != std::string::npos);
  CHECK(daemon.wait_for_output("warning memory is short stage=refuse_events"));
  CHECK(daemon.admin_get("/healthz").status == 200);
  CHECK(daemon.running());
}

TEST_CASE("a limit that idle streams alone would exceed is a reason not to start") {
  const auto failed =
      RunningDaemon::run_to_exit({"limits.memory_max=64M", "history.bytes_max=70000000"});
  CHECK(failed.code == 78);
  CHECK(failed.output.find("limits.memory_max (64M) is 64 MiB") != std::string::npos);
}

}  // namespace
}  // namespace crier::tests
