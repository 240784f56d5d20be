// A daemon whose address is taken says so and goes; the one that has it notices nothing.
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

std::vector<std::string> settings_of(const std::string& address, const std::string& publish_path) {
  return {"http.listen=" + address + ":" + std::to_string(RunningDaemon::kPort),
          "admin.listen=" + address + ":" + std::to_string(RunningDaemon::kAdminPort),
          "publish.socket=" + publish_path, "limits.streams_max=1000"};
}

void check_still_serving(const RunningDaemon& daemon, Subscriber& subscriber) {
  daemon.publish("a", "undisturbed");
  CHECK(subscriber.next().data == "undisturbed");
  CHECK(daemon.get("/healthz").status == 200);
  CHECK(daemon.admin_get("/readyz").status == 200);
}

TEST_CASE("a second daemon is refused clearly") {
  const RunningDaemon daemon;
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  const std::string other_path = daemon.publish_path() + ".other";
  const std::string port = ":" + std::to_string(RunningDaemon::kPort);

  SECTION("on the same publish socket") {
    const auto failed =
        RunningDaemon::run_to_exit(settings_of("127.255.255.253", daemon.publish_path()));
    INFO(failed.output);
    CHECK(failed.code == 1);
    CHECK(failed.output.find(daemon.publish_path()) != std::string::npos);
  }
  SECTION("on the same TCP port") {
    std::vector<std::string> settings = settings_of(daemon.address(), other_path);
    settings[1] = "admin.listen=127.255.255.252:8081";
    const auto failed = RunningDaemon::run_to_exit(settings);
    INFO(failed.output);
    CHECK(failed.code == 1);
    CHECK(failed.output.find(daemon.address() + port) != std::string::npos);
    CHECK(failed.output.find("http.listen") != std::string::npos);
  }
  SECTION("on the same admin port") {
    std::vector<std::string> settings = settings_of(daemon.address(), other_path);
    settings[0] = "http.listen=127.255.255.251:8080";
    const auto failed = RunningDaemon::run_to_exit(settings);
    INFO(failed.output);
    CHECK(failed.code == 1);
    CHECK(failed.output.find("admin.listen") != std::string::npos);
  }
  check_still_serving(daemon, subscriber);
}

TEST_CASE("a configuration with mistakes does not start, and names all of them") {
  const auto failed =
      RunningDaemon::run_to_exit({"heartbeat.interval_seconds=0", "limits.streams=1"});
  INFO(failed.output);
  CHECK(failed.code == 78);
  CHECK(failed.output.find("heartbeat.interval_seconds") != std::string::npos);
  CHECK(failed.output.find("limits.streams") != std::string::npos);
}

}  // namespace
}  // namespace crier::tests
