#include <cmath>
#include <nlohmann/json.hpp>

#include "cmd/client/metrics_text.h"
#include "cmd/client/status_text.h"
#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("samples are read, and what is not one is skipped") {
  const auto metrics = MetricsText::parse(
      "# HELP a text\n# TYPE a counter\n\na 1\na{} 2 1700000000\n  \nb{x=\"1\", "
      "y=\"q\\\"\\\\\\n}\",} 1.5e3\r\n"
      "c +Inf\nd NaN\nbroken{x=\"1} 1\nbroken{x=1} 1\nbroken\nbroken 1x\n{x=\"1\"} 1\ne -4");
  REQUIRE(metrics.samples().size() == 5);
  CHECK(metrics.sum("a") == 3);
  CHECK(metrics.sum("b") == 1'500);
  CHECK(metrics.samples()[2].label("y") == "q\"\\\n}");
  CHECK(metrics.samples()[2].label("z").empty());
  CHECK(std::isinf(*metrics.sum("c")));
  CHECK(metrics.sum("e") == -4);
  CHECK(metrics.sum("broken") == std::nullopt);
}

TEST_CASE("values are added up by label, largest first") {
  const auto metrics = MetricsText::parse(
      "a{r=\"x\",w=\"0\"} 1\na{r=\"y\",w=\"0\"} 5\na{r=\"x\",w=\"1\"} 2\na{r=\"z\"} 0\na{r=\"w\"} "
      "5\n");
  CHECK(metrics.by_label("a", "r") ==
        std::vector<std::pair<std::string, double>>{{"w", 5}, {"y", 5}, {"x", 3}});
}

const char* const kHistogram =
    "h_bucket{le=\"0.001\",w=\"0\"} 0\nh_bucket{le=\"0.01\",w=\"0\"} 40\n"
    "h_bucket{le=\"0.1\",w=\"0\"} 50\nh_bucket{le=\"+Inf\",w=\"0\"} 50\n"
    "h_bucket{w=\"1\",le=\"+Inf\"} 50\nh_bucket{w=\"1\",le=\"0.001\"} 0\n"
    "h_bucket{w=\"1\",le=\"0.01\"} 40\nh_bucket{w=\"1\",le=\"0.1\"} 49\n";

TEST_CASE("quantiles are interpolated over all workers") {
  const auto metrics = MetricsText::parse(kHistogram);
  CHECK(*metrics.quantile("h", 0.5) == Approx(0.001 + 0.009 * 50 / 80));
  CHECK(*metrics.quantile("h", 0.8) == Approx(0.01));
  CHECK(*metrics.quantile("h", 0.9) == Approx(0.01 + 0.09 * 10 / 19));
  CHECK(*metrics.quantile("h", 1) == Approx(0.1));  // Nothing is known beyond the last bound.
  CHECK(metrics.quantile("other", 0.5) == std::nullopt);
  CHECK(MetricsText::parse("h_bucket{le=\"1\"} 0\nh_bucket{le=\"+Inf\"} 0\n").quantile("h", 0.5) ==
        std::nullopt);
  CHECK(MetricsText::parse("h_bucket{le=\"x\"} 1\n").quantile("h", 0.5) == std::nullopt);
  CHECK(MetricsText::parse("h_bucket{le=\"-Inf\"} NaN\nh_bucket{le=\"+Inf\"} -1\n")
            .quantile("h", 0.5) == std::nullopt);
}

TEST_CASE("figures are rounded for a person") {
  CHECK(human_bytes(0) == "0 B");
  CHECK(human_bytes(1023) == "1,023 B");
  CHECK(human_bytes(1024) == "1.00 KiB");
  CHECK(human_bytes(12.5 * 1024 * 1024) == "12.5 MiB");
  CHECK(human_bytes(512.0 * 1024 * 1024 * 1024) == "512 GiB");
  CHECK(human_duration(59.9) == "59s");
  CHECK(human_duration(61) == "1m 1s");
  CHECK(human_duration(3'600 * 5 + 120) == "5h 2m");
  CHECK(human_duration(86'400 * 4 + 7'200) == "4d 2h");
  CHECK(human_duration(-1) == "?");
  CHECK(human_duration(NAN) == "?");
  CHECK(human_latency(0.00012) == "120 µs");
  CHECK(human_latency(0.0012) == "1.20 ms");
  CHECK(human_latency(2) == "2.00 s");
  CHECK(human_count(1'234'567.2) == "1,234,567");
  CHECK(human_count(-1) == "?");
  CHECK(human_count(INFINITY) == "?");
}

const char* const kMetrics =
    "crier_stream_active_connections{worker=\"0\"} "
    "1000\ncrier_stream_active_connections{worker=\"1\"} 234\n"
    "crier_events_published_total 5\ncrier_bytes_sent_total 2048\n"
    "crier_gaps_total{reason=\"evicted\"} 2\ncrier_gaps_total{reason=\"overflow\"} 3\n"
    "crier_streams_ended_total{reason=\"drain\"} 0\nprocess_start_time_seconds 1000\n";

TEST_CASE("a summary shows what the daemon reports and leaves out what it does not") {
  StatusFacts facts{
      .ready = true, .metrics = MetricsText::parse(kMetrics), .now_unix_seconds = 1'090};
  CHECK(status_text(facts) ==
        "state             ready\n"
        "up for            1m 30s\n"
        "streams           1,234\n"
        "events published  5\n"
        "bytes sent        2.00 KiB\n"
        "gaps              5 (overflow 3, evicted 2)\n"
        "streams ended     0\n");
  const auto json = nlohmann::json::parse(status_json(facts));
  CHECK(json == nlohmann::json::parse(R"({"ready":true,"uptime_seconds":90,"streams":1234,
      "events_published":5,"bytes_sent":2048,
      "gaps":{"overflow":3,"evicted":2},"streams_ended":{}})"));
  facts = {.ready = false, .ready_detail = "draining", .metrics = {}, .now_unix_seconds = 0};
  CHECK(status_text(facts) == "state             not ready: draining\n");
  CHECK(status_json(facts) == "{\"ready\":false,\"ready_detail\":\"draining\"}\n");
}

TEST_CASE("the command asks the admin endpoint") {
  const std::string metrics = http_answer("200 OK", kMetrics);
  ScriptedServer server(true, {{metrics},
                               {http_answer("503 No", "draining\n")},
                               {metrics},
                               {http_answer("200 OK", "ok")},
                               {http_answer("404 No", "")}});
  const auto ran = run_command({"status", "--admin", server.address()});
  CHECK(ran.code == kExitOk);
  CHECK_THAT(ran.out, Catch::Matchers::StartsWith("state             not ready: draining\n"));
  const auto json = run_command({"status", "--admin", server.address(), "--json"});
  CHECK(nlohmann::json::parse(json.out)["ready"] == true);
  CHECK_THAT(server.requests()[2], Catch::Matchers::StartsWith("GET /metrics HTTP/1.1\r\n"));
  CHECK(run_command({"status", "--admin", server.address()}).code == kExitFailed);
  CHECK(run_command({"status", "--admin", "nowhere"}).code == kExitMisused);
  CHECK_THAT(run_command({"status", "--admin", "127.0.0.91:9"}).err,
             ContainsSubstring("is `crier serve` running?"));
}

}  // namespace
}  // namespace crier::cmd
