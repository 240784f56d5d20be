// Readers that stop, over the wire: each overflow policy does what it says, and only to them.
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

constexpr int kMoreThanHeld = 500;  // Two megabytes: more than the sockets and the ring hold.
constexpr int kSmallBuffer = 2'304;

DaemonOptions with_policy(const std::string& policy) {
  return {.settings = {"limits.owed_bytes_max=65536", "limits.event_bytes_max=8192"},
          .configuration = R"({"topics": [{"match": "slow.>", "policy": ")" + policy + R"("}]})",
          .workers = 1};
}

std::string data_of(int number) {
  return std::to_string(number) + " " + std::string(4'000, 'x');
}

// One stream that stops reading after its first event, and one that goes on.
struct Readers {
  explicit Readers(const RunningDaemon& daemon, const std::string& going_on = "/events/slow.a")
      : stopped(daemon.subscribe("/events/slow.a", {.receive_buffer = kSmallBuffer})),
        reading(daemon.subscribe(going_on)) {
    REQUIRE(stopped.next().event == "crier.open");
    REQUIRE(reading.next().event == "crier.open");
  }

  Subscriber stopped;
  Subscriber reading;
};

// Publishes all of them while `reading` keeps up, as it must however slow others are.
void publish_all(const RunningDaemon& daemon, Subscriber& reading) {
  for (int i = 0; i < kMoreThanHeld; ++i) {
    daemon.publish("slow.a", data_of(i));
    REQUIRE(reading.next().data == data_of(i));
  }
}

TEST_CASE("with `disconnect` a stopped reader is ended, and resumes without a gap", "[slow]") {
  const RunningDaemon daemon(with_policy("disconnect"));
  auto [stopped, reading] = Readers(daemon);
  publish_all(daemon, reading);

  int expected = 0;
  std::string reason;
  while (const auto event = stopped.try_next()) {
    if (event->event == "crier.end") {
      reason = nlohmann::json::parse(event->data).at("reason");
      continue;
    }
    CHECK(reason.empty());  // Nothing follows it.
    REQUIRE(event->data == data_of(expected));
    ++expected;
  }
  CHECK(reason == "overflow");
  CHECK(stopped.wait_for_end());
  CHECK(expected < kMoreThanHeld);

  Subscriber again = daemon.subscribe("/events/slow.a", {.last_event_id = stopped.last_event_id()});
  for (; expected < kMoreThanHeld; ++expected) {
    REQUIRE(again.next_published().data == data_of(expected));
  }
}

TEST_CASE("with `drop-oldest` a stopped reader is told how many it lost, and where", "[slow]") {
  const RunningDaemon daemon(with_policy("drop-oldest"));
  auto [stopped, reading] = Readers(daemon);
  publish_all(daemon, reading);

  int expected = 0;
  int gaps = 0;
  while (expected < kMoreThanHeld) {
    const SseMessage event = stopped.next();
    if (event.event == "crier.gap") {
      const auto told = nlohmann::json::parse(event.data);
      CHECK(told.at("reason") == "overflow");
      CHECK(told.at("resumed_at") == event.last_event_id);
      REQUIRE(told.at("missed").is_number());
      expected += told.at("missed").get<int>();
      ++gaps;
      continue;
    }
    REQUIRE(event.data == data_of(expected));
    ++expected;
  }
  CHECK(gaps >= 1);
  daemon.publish("slow.a", "live");
  CHECK(stopped.next().data == "live");
}

TEST_CASE("what stopped readers hold in memory is bounded, whatever each may be owed", "[slow]") {
  constexpr int kStopped = 20;
  constexpr std::uint64_t kMiB = 1 << 20;
  const RunningDaemon daemon(
      {.settings = {"limits.owed_total_bytes_max=2097152", "history.bytes_max=1048576"},
       .workers = 2});
  const auto topic = [](int i) { return "t." + std::to_string(i); };
  std::vector<Subscriber> stopped;
  for (int i = 0; i < kStopped; ++i) {
    stopped.push_back(daemon.subscribe("/events/" + topic(i), {.receive_buffer = kSmallBuffer}));
    REQUIRE(stopped.back().next().event == "crier.open");
  }
  Subscriber reading = daemon.subscribe("/events/" + topic(0));
  REQUIRE(reading.next().event == "crier.open");
  // A megabyte for each of them: ten times what they may hold together.
  constexpr int kRounds = 256;
  for (int number = 0; number < kRounds; ++number) {
    for (int i = 0; i < kStopped; ++i) daemon.publish(topic(i), data_of(number));
    REQUIRE(reading.next().data == data_of(number));
    // The history, what is owed, and a little on its way.
    if (number % 32 == 31) CHECK(daemon.metric("crier_frame_bytes") < 4 * kMiB);
  }
  CHECK(daemon.metric("crier_overflows_of_all_total") > 0);
  int gave_way = 0;
  for (Subscriber& one : stopped) {
    bool told = false;  // Since the last event.
    bool ever_told = false;
    int last = -1;
    while (last < kRounds - 1) {
      const SseMessage event = one.next();
      if (event.event == "crier.gap") {
        told = ever_told = true;
        continue;
      }
      const int number = std::stoi(event.data);
      CHECK((number == last + 1 || told));
      REQUIRE(number > last);
      last = number;
      told = false;
    }
    if (ever_told) ++gave_way;
  }
  CHECK(gave_way > kStopped / 2);  // There is room for two.
}

TEST_CASE("a reader that takes nothing for too long is cut, one that is owed nothing is not",
          "[slow]") {
  const RunningDaemon daemon(
      {.settings = {"log.level=debug", "limits.owing_seconds_max=1", "history.events_max=10000"},
       .workers = 1});
  auto [stopped, idle] = Readers(daemon, "/events/b");
  for (int i = 0; i < kMoreThanHeld; ++i) daemon.publish("slow.a", data_of(i));
  REQUIRE(daemon.wait_for_output("stalled"));
  int expected = 0;
  while (const auto event = stopped.try_next()) {
    REQUIRE(event->data == data_of(expected));
    ++expected;
  }
  CHECK(stopped.socket().ended());
  CHECK_FALSE(stopped.wait_for_end());  // Cut, and it can tell.
  daemon.publish("b", "still here");
  CHECK(idle.next().data == "still here");
}

}  // namespace
}  // namespace crier::tests
