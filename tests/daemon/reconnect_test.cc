// Subscribers that come and go while events are published: each sees every event of its topics
// once, in order, whichever worker it meets.
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

constexpr int kPublished = 3'000;
constexpr int kSubscribers = 8;

struct Journey {
  std::string target;
  int first = 0;  // The numbers it must see: first, first + step, …
  int step = 1;
  int reconnects = 0;
  std::string fault;  // What went wrong; empty if nothing.
};

// Reads a few events, breaks the connection, comes back: until the last number.
void travel(const RunningDaemon& daemon, Journey& journey, unsigned seed) {
  std::mt19937 random(seed);
  std::string position;
  int expected = journey.first;
  while (expected < kPublished) {
    SubscriberOptions options;
    options.last_event_id = position;
    options.receive_buffer = random() % 2 == 0 ? 4'096 : 0;
    const std::string from = position.empty() ? "&last_event_id=earliest" : "";
    Subscriber subscriber = daemon.subscribe(journey.target + from, options);
    const unsigned events = static_cast<unsigned>(random() % 40);
    for (unsigned i = 0; i <= events && expected < kPublished; ++i) {
      const SseMessage event = i == 0 ? subscriber.next() : subscriber.next_published();
      position = event.last_event_id;
      if (i == 0) continue;  // crier.open, whose position counts as well.
      if (event.data != std::to_string(expected)) {
        journey.fault = "expected " + std::to_string(expected) + ", got " + event.data;
        return;
      }
      expected += journey.step;
    }
    ++journey.reconnects;
  }
}

// Even numbers go to topic `even`, odd ones to `odd`.
void publish_all(const RunningDaemon& daemon, std::string& fault) {
  RawSocket publisher = daemon.connect_publisher();
  for (int i = 0; i < kPublished; ++i) {
    const std::string topic = i % 2 == 0 ? "even" : "odd";
    publisher.send(request_text("POST /topics/" + topic, std::to_string(i)));
    const HttpAnswer answer = publisher.read_answer();
    if (answer.status != 202) {
      fault = "publish " + std::to_string(i) + ": " + answer.body;
      return;
    }
  }
}

TEST_CASE("hundreds of reconnects while events are published lose and repeat none", "[slow]") {
  const RunningDaemon daemon(
      {.settings = {"subscribe.patterns=allow", "history.events_max=10000"}, .workers = 4});
  std::vector<Journey> journeys(kSubscribers);
  for (std::size_t i = 0; i < journeys.size(); ++i) {
    switch (i % 4) {
      case 0:
        journeys[i] = {.target = "/events?topic=even", .first = 0, .step = 2};
        break;
      case 1:
        journeys[i] = {.target = "/events?topic=odd", .first = 1, .step = 2};
        break;
      case 2:
        journeys[i] = {.target = "/events?topic=odd&topic=even"};
        break;
      default:
        journeys[i] = {.target = "/events?topic=%3E"};
        break;
    }
  }
  std::string publisher_fault;
  std::vector<std::thread> threads;
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed);
  threads.emplace_back([&] {
    try {
      publish_all(daemon, publisher_fault);
    } catch (const std::exception& error) {
      publisher_fault = error.what();
    }
  });
  for (std::size_t i = 0; i < journeys.size(); ++i) {
    threads.emplace_back([&, i] {
      try {
        travel(daemon, journeys[i], seed + static_cast<unsigned>(i));
      } catch (const std::exception& error) {
        journeys[i].fault = error.what();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  CHECK(publisher_fault == "");
  int reconnects = 0;
  for (const Journey& journey : journeys) {
    INFO(journey.target);
    CHECK(journey.fault == "");
    reconnects += journey.reconnects;
  }
  CHECK(reconnects >= 300);
}

TEST_CASE("a reader that stops delays nobody, and catches up without a gap", "[slow]") {
  const RunningDaemon daemon(
      {.settings = {"limits.owed_bytes_max=65536", "limits.event_bytes_max=8192"}, .workers = 1});
  Subscriber stopped = daemon.subscribe("/events?topic=a", {.receive_buffer = 2'304});
  Subscriber reading = daemon.subscribe("/events?topic=a");
  REQUIRE(stopped.next().event == "crier.open");
  REQUIRE(reading.next().event == "crier.open");
  const std::string padding(4'000, 'x');
  for (int i = 0; i < 500; ++i) {
    daemon.publish("a", std::to_string(i) + " " + padding);
    CHECK(reading.next().data.starts_with(std::to_string(i) + " "));
  }
  for (int i = 0; i < 500; ++i) {
    CHECK(stopped.next_published().data.starts_with(std::to_string(i) + " "));
  }
}

TEST_CASE("what a stopped reader loses is told", "[slow]") {
  const RunningDaemon daemon({.settings = {"limits.owed_bytes_max=65536",
                                           "limits.event_bytes_max=8192", "history.events_max=5"},
                              .workers = 1});
  Subscriber stopped = daemon.subscribe("/events?topic=a", {.receive_buffer = 2'304});
  REQUIRE(stopped.next().event == "crier.open");
  const std::string padding(4'000, 'x');
  for (int i = 0; i < 500; ++i) daemon.publish("a", std::to_string(i) + " " + padding);
  int expected = 0;
  int gaps = 0;
  while (expected < 500) {
    const SseMessage event = stopped.next();
    if (event.event == "crier.gap") {
      CHECK(event.data.find("\"overflow\"") != std::string::npos);
      ++gaps;
      continue;
    }
    const int number = std::stoi(event.data);
    if (gaps == 0) CHECK(number == expected);  // No loss that was not told.
    CHECK(number >= expected);
    expected = number + 1;
  }
  CHECK(gaps >= 1);
}

}  // namespace
}  // namespace crier::tests
