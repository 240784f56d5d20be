#include "cmd/daemon/control/refusal_log.h"

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
  REQUIRE(out.lines.size() == 2);
  CHECK(out.lines[0] ==
        "info request refused reason=forbidden status=403 from=192.0.2.1:5 "
        "origin=https://a.example trace_id=t1 why=\"Not listed.\" remedy=\"list the origin in "
        "http.origins, as --set http.origins=https://a.example does; a reload applies it\"");
  CHECK(out.lines[1] ==
        "info publish request refused reason=malformed status=400 trace_id=t2 why=\"\"");
}

}  // namespace crier::cmd
