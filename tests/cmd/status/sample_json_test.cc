#include "cmd/status/sample_json.h"

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/counter.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using nlohmann::json;

constexpr std::array<std::uint64_t, 2> kBounds = {100, 2'500};

TEST_CASE("a sample says what the catalogue knows, and nothing else") {
  metrics::Catalogue empty;
  const std::string sample =
      sample_json({.catalogue = empty, .why_not_ready = "", .now_unix_seconds = 12.3456789});
  CHECK(sample == R"({"time":12.346,"ready":true,"figures":{"uptime_seconds":0},"histograms":{},)"
                  R"("workers":[],"kernel":[],"limits":[],"tail":false,"publish":false})");
}

TEST_CASE("each part of a sample is read from its families") {
  metrics::Catalogue catalogue;
  Histogram<2> latency(kBounds);
  for (const std::uint64_t us : {50U, 60U, 70U, 1'000U, 5'000U}) latency.observe(us);
  catalogue.histogram("crier_stream_latency_seconds", "Help.", 1e6).add(latency);
  const auto gauge = [&](const char* name, double value) {
    catalogue.gauge(name, "Help.").add([value] { return value; });
  };
  const auto labelled = [&](const char* name, const char* label,
                            const std::vector<std::pair<const char*, double>>& values) {
    const bool counts = std::string_view(name).ends_with("_total");
    auto numbers = counts ? catalogue.counter(name, "Help.") : catalogue.gauge(name, "Help.");
    for (const auto& each : values) {
      numbers.add({{label, each.first}}, [number = each.second] { return number; });
    }
  };
  gauge("process_start_time_seconds", 100.5);
  gauge("crier_stream_active_connections", 10);
  gauge("crier_streams_max", 20);
  gauge("crier_frame_bytes", 500);
  gauge("crier_history_frame_bytes", 400);
  gauge("crier_owed_total_bytes_max", 1'000);
  gauge("crier_memory_max_bytes", 0);  // None: not a limit.
  labelled("crier_memory_bytes", "part",
           {{"streams", 640}, {"history", 9'000}, {"sockets", 0}, {"owed_frames", 100}});
  labelled("crier_streams_ended_total", "reason", {{"client_closed", 3}, {"expired", 0}});
  labelled("crier_requests_refused_total", "reason", {{"streams_max", 7}, {"method", 1}});
  labelled("crier_history_evicted_total", "cause", {{"age", 2}});
  labelled("crier_gaps_total", "reason", {{"overflow", 0}});
  const WorkerFigures worker{"others", 1, 2, 3, 4, 0.5};
  const KernelAdvice advice{"net.x", "1", "at least 2", "sysctl -w net.x='1 2'"};
  json sample = json::parse(sample_json({.catalogue = catalogue,
                                         .why_not_ready = "draining",
                                         .now_unix_seconds = 200,
                                         .uptime_seconds = 99.5,
                                         .workers = {&worker, 1},
                                         .kernel = {&advice, 1}}));
  CHECK(sample["figures"]["uptime_seconds"] == 99.5);
  CHECK(sample["figures"]["streams_ended"] == json{{"client_closed", 3}});
  sample.erase("figures");
  CHECK(sample == json::parse(R"({
      "time":200,"start":100.5,"ready":false,"ready_detail":"draining",
      "histograms":{"stream_latency":{"le":[0.0001,0.0025],"counts":[3,1,1],"sum":0.00618}},
      "memory":{"streams":640,"history":9000,"sockets":0,"owed_frames":100},
      "memory_per_stream":74,
      "workers":[{"worker":"others","streams":1,"delivered":2,"bytes":3,"turns":4,
                  "busy_seconds":0.5}],
      "ended":{"client_closed":3},"refused":{"streams_max":7,"method":1},"gaps":{},
      "evicted":{"age":2},
      "kernel":[{"setting":"net.x","now":"1","wanted":"at least 2",
                 "command":"sysctl -w net.x='1 2'"}],
      "limits":[{"knob":"limits.streams_max","now":10,"max":20,"reached":7},
                {"knob":"limits.owed_total_bytes_max","now":100,"max":1000}],
      "tail":false,"publish":false})"));
}

}  // namespace
}  // namespace crier::cmd
