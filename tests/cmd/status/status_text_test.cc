#include "cmd/status/status_text.h"

#include <cmath>
#include <string>

#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using Catch::Matchers::ContainsSubstring;

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

const char* const kStatus =
    R"({"ready":true,"version":"0.1.0","uptime_seconds":90.5,"reload_successful":0,
        "pending_settings":2,"streams":1234,"streams_max":2000,
        "history_bytes":1024,"history_bytes_max":2048,
        "events_published":5,"bytes_sent":2048,
        "latency_p50_seconds":0.0012,"gaps":{"overflow":3,"evicted":2},"streams_ended":{},"x":1})";

TEST_CASE("a summary shows what the daemon reports and leaves out what it does not") {
  CHECK(status_text(kStatus).value() ==
        "state             ready\n"
        "version           0.1.0\n"
        "up for            1m 30s\n"
        "last reload       refused: the log says why\n"
        "pending settings  2\n"
        "streams           1,234 of 2,000\n"
        "events published  5\n"
        "bytes sent        2.00 KiB\n"
        "latency p50       1.20 ms\n"
        "history size      1.00 KiB of 2.00 KiB\n"
        "gaps              5 (overflow 3, evicted 2)\n"
        "streams ended     0\n");
  // Without a journal on a disk.
  CHECK(status_text(R"({"ready":true,"journal_bytes":0})").value() == "state             ready\n");
  CHECK(status_text(R"({"ready":true,"journal_bytes":7})").value() ==
        "state             ready\njournal size      7 B\n");
  CHECK(status_text(R"({"ready":false,"ready_detail":"draining"})").value() ==
        "state             not ready: draining\n");
  CHECK(status_text(R"({"ready":false,"streams":"many","gaps":{"overflow":"many"}})").value() ==
        "state             not ready: ?\n"
        "gaps              0\n");
}

TEST_CASE("text that is not a status is refused") {
  const std::string text = GENERATE("", "ok", "[]", "{}", "1", "{\"ready\":1}", "{\"ready\":true");
  CAPTURE(text);
  const auto shown = status_text(text);
  REQUIRE_FALSE(shown);
  CHECK_THAT(shown.error().detail, ContainsSubstring("admin endpoint"));
}

TEST_CASE("the command asks the admin endpoint") {
  const std::string status = http_answer("200 OK", kStatus);
  ScriptedServer server(
      true, {{status}, {status}, {http_answer("200 OK", "ok")}, {http_answer("404 No", "")}});
  const auto ran = run_command({"status", "--admin", server.address()});
  CHECK(ran.code == kExitOk);
  CHECK_THAT(ran.out, Catch::Matchers::StartsWith("state             ready\nversion  "));
  CHECK_THAT(server.requests()[0], Catch::Matchers::StartsWith("GET /status HTTP/1.1\r\n"));
  CHECK(run_command({"status", "--admin", server.address(), "--json"}).out == kStatus);
  CHECK(run_command({"status", "--admin", server.address()}).code == kExitFailed);
  CHECK(run_command({"status", "--admin", server.address()}).code == kExitFailed);
  CHECK(run_command({"status", "--admin", "nowhere"}).code == kExitMisused);
  CHECK_THAT(run_command({"status", "--admin", "127.0.0.91:9"}).err,
             ContainsSubstring("is `crier serve` running?"));
}

}  // namespace
}  // namespace crier::cmd
