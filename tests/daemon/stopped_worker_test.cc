// One worker that does not run, as when its core is taken away: publishers and the other workers'
// streams go on, and its own streams have lost nothing when it runs again.
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"
#include "tests/support/stopped_thread.h"

namespace crier::tests {
namespace {

constexpr int kWhileStopped = 3'000;

// Everything in order, or, where the history is too short for that, a gap before each jump.
void read_all(Subscriber& subscriber, bool may_lose) {
  bool told = false;
  for (int expected = 0; expected < kWhileStopped; ++expected) {
    SseMessage event = subscriber.next();
    while (may_lose && event.event == "crier.gap") {
      REQUIRE(event.data.find("\"overflow\"") != std::string::npos);
      told = true;
      event = subscriber.next();
    }
    const int number = std::stoi(event.data);
    REQUIRE((number == expected || (told && number > expected)));
    expected = number;
    told = false;
  }
}

TEST_CASE("a stopped worker holds up nobody else, and its streams lose nothing", "[slow]") {
  constexpr int kStreams = 24;
  const bool short_history = GENERATE(false, true);
  INFO((short_history ? "history has moved on" : "history holds everything"));
  const RunningDaemon daemon(
      {.settings = {short_history ? "history.events_max=20" : "history.events_max=10000"},
       .workers = 2});
  const std::string padding(1'000, 'x');
  std::vector<Subscriber> subscribers;
  for (int i = 0; i < kStreams; ++i) {
    subscribers.push_back(daemon.subscribe("/events?topic=a"));
    REQUIRE(subscribers.back().next().event == "crier.open");
  }
  std::vector<Subscriber*> running;
  std::vector<Subscriber*> waiting;
  {
    const StoppedThread worker(last_thread(daemon.pid()));
    if (!worker.stopped()) {
      WARN("not tested: this system does not let a thread be stopped");
      return;
    }
    daemon.publish("a", "first");
    for (Subscriber& subscriber : subscribers) {
      (subscriber.try_next(200) ? running : waiting).push_back(&subscriber);
    }
    REQUIRE_FALSE(running.empty());
    REQUIRE_FALSE(waiting.empty());
    RawSocket publisher = daemon.connect_publisher();
    for (int i = 0; i < kWhileStopped; ++i) {
      publisher.send(request_text("POST /topics/a", std::to_string(i) + " " + padding));
      REQUIRE(publisher.read_answer().status == 202);
    }
    publisher.send(request_text("GET /topics/a", ""));
    CHECK(publisher.read_answer().status == 503);  // How many subscribers it has is not known.
    read_all(*running.front(), short_history);
    CHECK_FALSE(waiting.front()->try_next(0).has_value());
  }
  for (Subscriber* subscriber : waiting) {
    CHECK(subscriber->next().data == "first");
    read_all(*subscriber, short_history);
  }
  for (std::size_t i = 1; i < running.size(); ++i) read_all(*running[i], short_history);
}

TEST_CASE("what a stopped worker was ordered is not said to be in force before it is") {
  const RunningDaemon daemon({.settings = {"admin.debug=true"}, .workers = 2});
  const auto order = [&](const std::string& request_line) {
    RawSocket admin = daemon.connect_admin();
    admin.send(request_text(request_line, ""));
    return admin.read_answer();
  };
  {
    const StoppedThread worker(last_thread(daemon.pid()));
    if (!worker.stopped()) {
      WARN("not tested: this system does not let a thread be stopped");
      return;
    }
    const HttpAnswer answer = order("POST /debug/log?topic=a");
    CHECK(answer.status == 503);
    CHECK(answer.field("retry-after") == "1");
    CHECK(order("DELETE /debug/log").status == 503);
  }
  CHECK(order("POST /debug/log?topic=a").status == 200);
  CHECK(order("DELETE /debug/log").status == 200);
}

}  // namespace
}  // namespace crier::tests
