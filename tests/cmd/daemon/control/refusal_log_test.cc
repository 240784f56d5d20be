#include "cmd/daemon/control/refusal_log.h"

#include "config/budget.h"
#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {

TEST_CASE("a refusal is logged with its reason, its origin, what mends it and its trace id") {
  RecordingSink out;
  log_refusal(out, kStreamRefused,
              {.reason = "forbidden",
               .answer = {403, "origin_not_allowed", "Not listed."},
               .from = "192.0.2.1:5",
               .origin = "https://a.example",
               .trace_id = "t1"});
  log_refusal(out, kPublishRefused,
              {.reason = "malformed", .answer = {400, "bad_request", ""}, .trace_id = "t2"});
  log_refusal(out, kStreamRefused,
              {.reason = "not_found",
               .answer = {404, "not_found", ""},
               .trace_id = "t3",
               .path = "/a\x1b\"\xff"});
  REQUIRE(out.lines.size() == 3);
  CHECK(out.lines[0] ==
        "info request refused reason=forbidden status=403 from=192.0.2.1:5 "
        "origin=https://a.example trace_id=t1 why=\"Not listed.\" remedy=\"add the origin to "
        "http.origins; a reload applies it\"");
  CHECK(out.lines[1] ==
        "info publish request refused reason=malformed status=400 trace_id=t2 why=\"\"");
  CHECK(out.lines[2] ==
        "info request refused reason=not_found status=404 path=\"/a\\x1b\\\"\\xff\" "
        "trace_id=t3 why=\"\"");
}

TEST_CASE("the remedy of a full server is to raise what makes it full") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {config::kByStreamsMax, "raise limits.streams_max and restart"},
      {config::kByOpenFiles, "raise LimitNOFILE= (ulimit -n) and restart"},
      {config::kByWatches, "raise fs.epoll.max_user_watches and restart"},
      {config::kByMemory, "raise limits.memory_max and restart"},
  };
  for (const auto& [bound, remedy] : rows) {
    RecordingSink out;
    const std::string why = "As many streams are open as " + std::string(bound) + " allows.";
    log_refusal(out, kStreamRefused, {.reason = "full", .answer = {503, "streams_max", why}});
    CHECK(out.lines.at(0).ends_with("remedy=\"" + std::string(remedy) + "\""));
  }
}

TEST_CASE("the origin null has no remedy in the configuration") {
  RecordingSink out;
  log_refusal(out, kStreamRefused,
              {.reason = "forbidden", .answer = {403, "origin_not_allowed", ""}, .origin = "null"});
  CHECK(out.lines.at(0) ==
        "info request refused reason=forbidden status=403 origin=null trace_id=\"\" why=\"\"");
}

TEST_CASE("a breaker that opens is one line, which says what mends it") {
  RecordingSink out;
  log_shut_out(out, "192.0.2.1", 60);
  CHECK(
      out.lines.at(0) ==
      "info address shut out from=192.0.2.1 seconds=60 why=\"three requests in a row "
      "were more than limits.requests_per_address\" remedy=\"raise limits.requests_per_address or "
      "limits.requests_per_address_burst; if `from` is a proxy, list it in http.trusted_proxies; a "
      "reload applies it\"");
}

}  // namespace crier::cmd
