// SIGTERM: every stream is told, what it is owed comes first, and the daemon ends well.
#include <poll.h>
#include <signal.h>

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

using Clock = std::chrono::steady_clock;

int milliseconds_since(Clock::time_point began) {
  return static_cast<int>(
      std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began).count());
}

bool refused(const RunningDaemon& daemon) {
  try {
    const RawSocket socket = daemon.connect();
    return false;
  } catch (const SocketError&) {
    return true;
  }
}

TEST_CASE("streams get what they are owed, the reason, and the end") {
  RunningDaemon daemon({.settings = {"drain.window_seconds=1"}});
  const bool old = GENERATE(false, true);
  std::vector<Subscriber> subscribers;
  for (int i = 0; i < 20; ++i) {
    subscribers.push_back(daemon.subscribe("/events?topic=a", {.http_1_0 = old}));
    REQUIRE(subscribers.back().next().event == "crier.open");
  }
  const std::string id = daemon.publish("a", "last words");
  CHECK(daemon.stop() == 0);
  for (Subscriber& subscriber : subscribers) {
    CHECK(subscriber.next().data == "last words");
    const SseMessage end = subscriber.next();
    CHECK(end.event == "crier.end");
    CHECK_FALSE(nlohmann::json::parse(end.data).at("reason").get<std::string>().empty());
    CHECK(end.last_event_id == id);  // The place to resume from is still the right one.
    CHECK(subscriber.wait_for_end());
    CHECK(subscriber.retry_ms().has_value());
  }
  CHECK(refused(daemon));
}

TEST_CASE("few streams do not take the whole window") {
  RunningDaemon daemon({.settings = {"drain.window_seconds=60"}});
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  const auto began = Clock::now();
  CHECK(daemon.stop() == 0);
  CHECK(subscriber.next().event == "crier.end");
  CHECK(subscriber.retry_ms().value_or(0) < 5'000);  // Not the window on top.
  CHECK(milliseconds_since(began) < 10'000);
}

TEST_CASE("not ready during the delay, then nobody is let in", "[slow]") {
  RunningDaemon daemon({.settings = {"drain.delay_seconds=1", "drain.window_seconds=2"}});
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  const auto began = Clock::now();
  daemon.signal(SIGTERM);
  HttpAnswer ready;
  while ((ready = daemon.admin_get("/readyz")).status == 200 && milliseconds_since(began) < 900) {
    ::poll(nullptr, 0, 5);
  }
  CHECK(ready.status == 503);
  CHECK(daemon.admin_get("/healthz").status == 200);
  CHECK(daemon.publish_request("POST /topics/a", "1").status == 503);

  REQUIRE(subscriber.next().event == "crier.end");
  CHECK(milliseconds_since(began) >= 900);
  CHECK(daemon.wait_for_exit() == 0);
  CHECK(refused(daemon));
  CHECK(milliseconds_since(began) < 10'000);
}

// Of lines `message … key=number …` in the output.
std::uint64_t sum_of(const std::string& output, const std::string& message,
                     const std::string& key) {
  std::istringstream lines(output);
  std::uint64_t sum = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::size_t at = line.find(" " + key + "=");
    if (line.find(message) == std::string::npos || at == std::string::npos) continue;
    sum += std::stoull(line.substr(at + key.size() + 2));
  }
  return sum;
}

TEST_CASE("at the end the log has told of every stream, one by one or counted") {
  constexpr std::size_t kStreams = 60;
  const int lines_per_second = GENERATE(0, 5, 1'000);
  RunningDaemon daemon({.settings = {"log.level=debug", "log.connections_per_second=" +
                                                            std::to_string(lines_per_second)}});
  std::vector<Subscriber> subscribers;
  for (std::size_t i = 0; i < kStreams; ++i) {
    subscribers.push_back(daemon.subscribe("/events?topic=a"));
    REQUIRE(subscribers.back().next().event == "crier.open");
  }
  daemon.signal(SIGTERM);
  daemon.signal(SIGTERM);
  REQUIRE(daemon.wait_for_exit() == 0);
  const std::string output = daemon.output();
  INFO(output);
  std::size_t ended = 0;
  for (std::size_t at = 0; (at = output.find("stream ended", at)) != std::string::npos; ++at) {
    ++ended;
  }
  CHECK(ended + sum_of(output, "not logged individually", "ended") == kStreams);
  CHECK(output.find(" info stopped\n") != std::string::npos);
}

TEST_CASE("a second SIGTERM ends at once") {
  RunningDaemon daemon({.settings = {"drain.delay_seconds=600", "drain.window_seconds=600"}});
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  daemon.signal(SIGTERM);
  while (daemon.admin_get("/readyz").status == 200) ::poll(nullptr, 0, 5);
  daemon.signal(SIGTERM);
  CHECK(daemon.wait_for_exit(10'000) == 0);
}

TEST_CASE("signals that come while it ends do not become its end") {
  const int number = GENERATE(SIGHUP, SIGINT, SIGTERM);
  RunningDaemon daemon({.settings = {"drain.window_seconds=0"}});
  daemon.signal(SIGTERM);
  std::optional<int> code;
  while (!(code = daemon.wait_for_exit(0))) {
    daemon.signal(number);
    ::poll(nullptr, 0, 1);
  }
  CHECK(*code == 0);
}

TEST_CASE("SIGINT drains, too") {
  RunningDaemon daemon({.settings = {"drain.window_seconds=0"}});
  daemon.signal(SIGINT);
  CHECK(daemon.wait_for_exit() == 0);
}

TEST_CASE("a reader that stopped does not hold up the end", "[slow]") {
  RunningDaemon daemon({.settings = {"drain.window_seconds=60"}});
  Subscriber stopped = daemon.subscribe("/events?topic=a", {.receive_buffer = 2'304});
  REQUIRE(stopped.next().event == "crier.open");
  const std::string data(100'000, 'x');
  for (int i = 0; i < 20; ++i) daemon.publish("a", data);
  const auto began = Clock::now();
  CHECK(daemon.stop() == 0);
  CHECK(milliseconds_since(began) < 10'000);
  CHECK_FALSE(stopped.wait_for_end(1'000));  // It was cut, and can tell.
}

TEST_CASE("after a drain the same addresses serve again") {
  RunningDaemon daemon({.settings = {"drain.window_seconds=0"}});
  daemon.publish("a", "1");
  CHECK(daemon.stop() == 0);
  daemon.start();
  Subscriber subscriber = daemon.subscribe("/events?topic=a");
  REQUIRE(subscriber.next().event == "crier.open");
  daemon.publish("a", "2");
  CHECK(subscriber.next().data == "2");
}

}  // namespace
}  // namespace crier::tests
