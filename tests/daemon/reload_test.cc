// SIGHUP: what is marked live applies, what needs a restart is named, and every stream goes on.
#include <signal.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

using Json = nlohmann::json;

TEST_CASE("a reload applies what is live and keeps every stream") {
  RunningDaemon daemon({.configuration = R"({"heartbeat": {"interval_seconds": 3600}})"});
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  CHECK(daemon.get("/events?topic=a", "Origin: https://new.example\r\n").status == 403);

  daemon.write_configuration(R"({"heartbeat": {"interval_seconds": 1},
      "http": {"origins": ["https://new.example"], "backlog": 77}})");
  daemon.signal(SIGHUP);
  CHECK(subscriber.wait_for_text("\n:\n"));       // Heartbeats of the new interval.
  CHECK(daemon.wait_for_output("http.backlog"));  // Waits for a restart.
  {
    Subscriber page =
        daemon.subscribe("/events?topic=a", {.fields = "Origin: https://new.example\r\n"});
    CHECK(page.head().status == 200);
  }
  daemon.publish("a", "1");
  CHECK(subscriber.next().data == "1");
}

TEST_CASE("a cap per client address waits for a restart, and a reload says so") {
  const bool capped = GENERATE(true, false);
  const std::string before =
      R"({"limits": {"streams_per_address_max": )" + std::string(capped ? "1" : "0") + "}}";
  RunningDaemon daemon({.configuration = before});
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");

  daemon.write_configuration(R"({"limits": {"streams_per_address_max": 2}})");
  daemon.signal(SIGHUP);
  REQUIRE(daemon.wait_for_output("reloaded"));
  CHECK(daemon.output().find("reload: needs a restart key=limits.streams_per_address_max") !=
        std::string::npos);
  Subscriber second = daemon.subscribe("/events?topic=a");
  CHECK(second.head().status == (capped ? 429 : 200));
}

TEST_CASE("a reload names everything that waits for a restart") {
  RunningDaemon daemon({.configuration = "{}"});
  const Json wanted = {
      {"limits",
       {{"request_lines_max", 6'000},
        {"owed_events_max", 512},
        {"topics_per_stream_max", 32},
        {"topics_max", 500'000},
        {"patterns_max", 5'000},
        {"pending_requests_max", 512},
        {"pending_seconds_max", 5},
        {"events_per_second", 10},
        {"events_burst", 2'000}}},
      {"publish",
       {{"connections_max", 33}, {"idempotency_keys_max", 3'333}, {"idempotency_seconds_max", 33}}},
      {"http", {{"backlog", 77}}}};
  daemon.write_configuration(wanted.dump());
  daemon.signal(SIGHUP);
  REQUIRE(daemon.wait_for_output("reloaded applied=0 pending=13"));
  for (const auto& [section, values] : wanted.items()) {
    for (const auto& [name, value] : values.items()) {
      const std::string key = section + "." + name;
      INFO(key);
      CHECK(daemon.output().find("reload: needs a restart key=" + key) != std::string::npos);
    }
  }
}

TEST_CASE("machines see whether a reload was applied, and what waits for a restart") {
  RunningDaemon daemon({.configuration = "{}"});
  const auto becomes = [&](const std::string& name, double value) {
    return wait_until(kPatienceMs, [&] { return daemon.metric(name) == value; });
  };
  CHECK(becomes("crier_config_last_reload_successful", 1));
  CHECK(daemon.metric("crier_config_pending_settings") == 0);
  CHECK(daemon.metric("crier_config_last_reload_success_timestamp_seconds") > 1.7e9);

  daemon.write_configuration(R"({"http": {"backlog": 77}, "heartbeat": {"interval_seconds": 7}})");
  daemon.signal(SIGHUP);
  REQUIRE(daemon.wait_for_output("reloaded applied=1 pending=1"));
  CHECK(daemon.output().find("warning reload: needs a restart key=http.backlog") !=
        std::string::npos);
  CHECK(becomes("crier_config_pending_settings", 1));

  daemon.write_configuration("{");
  daemon.signal(SIGHUP);
  CHECK(becomes("crier_config_last_reload_successful", 0));
  const Json status = Json::parse(daemon.admin_get("/status").body);
  CHECK(status.at("reload_successful") == 0);
  CHECK(status.at("pending_settings") == 1);
}

TEST_CASE("a reload that is refused says all that is wrong") {
  RunningDaemon daemon({.configuration = "{}"});
  Json wrong;
  for (int i = 0; i < 100; ++i) wrong["limits"]["unheard_of_" + std::to_string(i)] = i;
  daemon.write_configuration(wrong.dump());
  daemon.signal(SIGHUP);
  REQUIRE(daemon.wait_for_output("reload: nothing was changed"));
  for (int i = 0; i < 100; ++i) {
    const std::string key = "limits.unheard_of_" + std::to_string(i);
    INFO(key);
    CHECK(daemon.output().find(key) != std::string::npos);
  }
}

TEST_CASE("a reload with mistakes changes nothing and says what they are") {
  RunningDaemon daemon({.configuration = R"({"http": {"origins": ["https://old.example"]}})"});
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");

  daemon.write_configuration(R"({"http": {"origins": []}, "heartbeat": {"interval_seconds": 0}})");
  daemon.signal(SIGHUP);
  CHECK(daemon.wait_for_output("heartbeat.interval_seconds"));
  {
    Subscriber page =
        daemon.subscribe("/events?topic=a", {.fields = "Origin: https://old.example\r\n"});
    CHECK(page.head().status == 200);
  }
  daemon.publish("a", "1");
  CHECK(subscriber.next().data == "1");
  CHECK(daemon.running());
}

TEST_CASE("a reload without a file is harmless") {
  RunningDaemon daemon;
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  daemon.signal(SIGHUP);
  daemon.publish("a", "1");
  CHECK(subscriber.next().data == "1");
}

}  // namespace
}  // namespace crier::tests
