#include "tests/cmd/daemon/admin/admin_routes_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {

using Catch::Matchers::ContainsSubstring;

TEST_CASE("health is always ok, readiness says why not") {
  Served served;
  CHECK(served.get("/healthz").body == "ok\n");
  CHECK(served.get("/readyz").status == 200);
  served.why_not_ready = "draining";
  CHECK(served.get("/healthz").status == 200);
  const Reply reply = served.get("/readyz");
  CHECK(reply.status == 503);
  CHECK(reply.body == "draining\n");
}

TEST_CASE("readiness leaves out what a balancer excludes, and tells of what it does not know") {
  Served served;
  served.why_not_ready = "journal: NATS is away";
  CHECK(served.get("/readyz?exclude=journal").body == "ready\n");
  CHECK(served.get("/readyz?exclude=full&exclude=journal").status == 200);
  CHECK(served.get("/readyz?exclude=memory&a=journal").body == "journal: NATS is away\n");
  const Reply unknown = served.get("/readyz?exclude=journals");
  CHECK(unknown.status == 503);
  CHECK_THAT(unknown.body, ContainsSubstring("warning: `exclude` may be draining, memory,"));
  CHECK(served.get("/readyz?exclude=journals&exclude=journal").status == 200);
}

}  // namespace crier::cmd
