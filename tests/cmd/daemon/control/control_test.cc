// Control and the feed with a worker whose thread never starts: what one turn of theirs does.
#include "cmd/daemon/control/control.h"

#include "core/turn_limits.h"
#include "tests/broadcast/log/log_support.h"
#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

broadcast::LogOptions log_options() {
  broadcast::TopicClass global;
  global.history.events_max = 1;
  broadcast::LogOptions options;
  options.epoch = Epoch::from_random(7);
  options.topic_key = {11, 13};
  options.classes =
      std::make_shared<const broadcast::TopicClasses>(global, std::vector<broadcast::TopicClass>());
  return options;
}

struct Fixture {
  broadcast::SharedCounts counts{16, HashKey{}};
  std::atomic<std::uint64_t> log_head{0};
  std::latch tables_left{1};
  std::vector<std::unique_ptr<Worker>> workers;
  broadcast::Log log{log_options()};
  RecordingSink lines;
  ConnectionLog connections{lines, 0};
  std::unique_ptr<Feed> feed;
  std::unique_ptr<Control> control;

  Fixture() {
    workers.push_back(std::make_unique<Worker>(
        WorkerSetup(), Worker::Shared{counts, log_head, [] {}, tables_left}));
    feed = std::make_unique<Feed>(log, log_head, workers);
    control = std::make_unique<Control>(Control::Parts{log, *feed, connections, lines, workers});
  }

  void publish(std::string_view topic, std::uint64_t hole = 0) {
    feed->publish(broadcast::append(log, {.topic = topic, .data = "x"}, {}, nullptr, hole));
  }
  // Lists `count` topics and lets one more of them lose an event.
  void list_topics(int count) {
    for (int i = 0; i < count; ++i) publish("idle." + std::to_string(i));
    publish("busy");
    publish("busy");
    feed->flush();
    take_inbox();
  }
  void ask(std::string subscription) {
    auto request = std::make_unique<broadcast::ReplayRequest>();
    request->subscriptions.push_back(std::move(subscription));
    request->after = log.head() - 2;
    request->bytes_max = 1;
    request->frames_max = 1;
    REQUIRE(workers[0]->outbox().push(std::move(request)));
  }

  struct Taken {
    std::size_t answers = 0;
    std::size_t gaps = 0;
    std::size_t batches = 0;
    std::size_t frames = 0;  // Of the batches.
    std::size_t losses = 0;
  };
  Taken take_inbox() {
    Taken taken;
    while (const auto item = workers[0]->inbox().pop()) {
      if (const auto* answer = std::get_if<std::unique_ptr<broadcast::ReplayAnswer>>(&*item)) {
        ++taken.answers;
        if ((*answer)->gap) ++taken.gaps;
      }
      if (const auto* batch = std::get_if<broadcast::SharedBatch>(&*item)) {
        ++taken.batches;
        taken.frames += (*batch)->size();
      }
      if (std::holds_alternative<std::unique_ptr<broadcast::LostEvents>>(*item)) ++taken.losses;
    }
    return taken;
  }
};

}  // namespace

TEST_CASE("a turn answers fewer patterns, the more topics they have to ask for losses") {
  Fixture f;
  f.list_topics(30'000);
  const auto [subscription, at_once] = GENERATE(table<std::string, std::size_t>({
      {"busy", 32},  // Asks for itself alone.
      {"busy.*", 4},
  }));
  for (int i = 0; i < 40; ++i) f.ask(subscription);
  std::size_t answers = 0;
  std::size_t gaps = 0;
  for (bool more = true; more;) {
    more = f.control->take_outboxes(Instant{});
    const Fixture::Taken taken = f.take_inbox();
    CHECK(taken.answers <= at_once);
    CHECK((taken.answers == at_once || !more));
    answers += taken.answers;
    gaps += taken.gaps;
  }
  CHECK(answers == 40);
  CHECK(gaps == (subscription == "busy" ? 40 : 0));
}

TEST_CASE("a turn feeds a late worker less, the more topics are asked for losses") {
  Fixture f;
  f.list_topics(40'000);
  for (std::size_t i = 0; i < kInboxItems; ++i) {  // The worker takes nothing any more.
    f.publish("first." + std::to_string(i % 2));
    f.feed->flush();
  }
  for (int i = 0; i < 30'000; ++i) {
    f.publish(i % 2 == 0 ? "gone" : "kept." + std::to_string(i));
  }
  CHECK_FALSE(f.feed->flush());
  f.take_inbox();
  std::size_t losses = 0;
  for (bool more = true; more;) {
    more = f.feed->flush();
    const Fixture::Taken taken = f.take_inbox();
    CHECK(taken.losses <= 3);
    losses += taken.losses;
  }
  CHECK(losses >= 5);
}

TEST_CASE("holes in the numbering are no loss, whether a worker is late or not") {
  Fixture f;
  f.control.reset();
  broadcast::append(f.log, {.topic = "loaded", .data = "x"}, {}, nullptr, 9);
  f.feed = std::make_unique<Feed>(f.log, f.log_head, f.workers);
  std::size_t published = 0;
  const auto publish = [&] {
    f.publish("t." + std::to_string(published), published % 3);
    ++published;
  };
  publish();
  f.feed->flush();
  CHECK(f.take_inbox().frames == 1);
  while (published < kInboxItems) {  // The worker takes nothing and falls behind.
    publish();
    f.feed->flush();
  }
  Fixture::Taken all;
  for (bool more = true; more;) {
    const Fixture::Taken taken = f.take_inbox();
    all.frames += taken.frames;
    all.losses += taken.losses;
    more = f.feed->flush() || taken.batches > 0;
  }
  CHECK(all.frames == published - 1);
  CHECK(all.losses == 0);
  CHECK(f.log_head == f.log.head());
}

}  // namespace crier::cmd
