// One turn of control and of the feed, with links to workers that never run.
#include "cmd/daemon/control/control.h"

#include "cmd/daemon/control/feed.h"
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

struct ControlFixture {
  std::atomic<std::uint64_t> log_head{0};
  std::size_t wakes = 0;  // Wake-ups of the worker.
  WorkerLink link{{[this] { ++wakes; }, [] {}}};
  broadcast::Log log{log_options()};
  RecordingSink lines;
  RepeatLimit limited{lines, 2};
  ConnectionLog connections{lines, 0};
  PublishTraces traces{[] { return 1; }};
  Feed feed{log, log_head, {&link}, traces};
  Control control{
      {log, connections, limited, lines, {&link}, [](std::size_t) { return WorkerRow(); }}};

  void publish(std::string_view topic, std::uint64_t hole = 0) {
    feed.publish(broadcast::append(log, {.topic = topic, .data = "x"}, {}, nullptr, hole));
  }
  // Lists `count` topics and lets one more of them lose an event.
  void list_topics(int count) {
    for (int i = 0; i < count; ++i) publish("idle." + std::to_string(i));
    publish("busy");
    publish("busy");
    feed.flush();
    take_inbox();
  }
  void ask(std::string_view subscription) { ask({*Selector::parse(subscription)}, 2, 1); }
  // Asks for `frames_max` of the newest `events` events.
  void ask(std::vector<Selector> subscriptions, std::uint64_t events, std::uint32_t frames_max) {
    broadcast::ReplayRequest request;
    request.subscriptions = std::move(subscriptions);
    request.after = log.head() - events;
    request.bytes_max = 1'000'000;
    request.frames_max = frames_max;
    REQUIRE(link.ask(std::move(request)));
  }

  struct Taken {
    std::size_t answers = 0;
    std::size_t gaps = 0;
    std::size_t batches = 0;
    std::size_t frames = 0;  // Frames in the batches.
    std::size_t losses = 0;
  };
  Taken take_inbox() {
    Taken taken;
    while (const auto item = link.next()) {
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

// The part of a worker that answers questions.
struct OnePage : WorkerPages {
  std::uint32_t subscribers(std::string_view) const override { return 3; }
  // Has three streams; `next` is the slot of the first one that did not fit.
  StreamPage list_streams(std::uint32_t from, std::size_t limit) const override {
    StreamPage page;
    while (from < 3 && page.rows.size() < limit) {
      page.rows.push_back({.session_id = std::to_string(from++)});
    }
    if (from < 3) page.next = from;
    return page;
  }
  std::vector<LaggingStream> take_lagging() override { return lagging; }
  void follow(const EventToFollow&, std::function<void(const FollowedEvent&)>) override {}

  std::vector<LaggingStream> lagging;
};

}  // namespace

TEST_CASE("the last order of each kind is carried out at the next turn, then reported") {
  ControlFixture f;
  while (f.link.has_room_for_batch()) {  // Orders do not wait behind the inbox.
    f.publish("a");
    f.feed.flush();
  }
  f.link.order_drain(100);
  f.link.order_debug(std::make_shared<const std::vector<DebugRule>>(1));
  const auto latest = std::make_shared<const std::vector<DebugRule>>(2);
  f.link.order_debug(latest);
  std::optional<bool> told;
  f.control.await_orders([&](bool in_force) { told = in_force; });
  f.link.order_drain(200);

  const std::unique_ptr<WorkerOrders> orders = f.link.begin_turn();
  REQUIRE(orders != nullptr);
  CHECK(orders->debug == latest);
  CHECK(orders->drain_spread_ms == 200);
  CHECK_FALSE(orders->reload.has_value());
  CHECK_FALSE(orders->stop);
  CHECK(f.link.begin_turn() == nullptr);
  f.control.take_outboxes(Instant{});
  CHECK_FALSE(told.has_value());
  REQUIRE(orders->carried_out.size() == 1);
  f.link.reply(std::move(orders->carried_out[0]));
  f.control.take_outboxes(Instant{});
  CHECK(told == true);
}

TEST_CASE("refused requests are logged a few a second, and the rest counted wherever it was left") {
  ControlFixture f;
  for (int i = 0; i < 3; ++i) {
    f.link.send(RefusedNote{.reason = "forbidden",
                            .code = "patterns_denied",
                            .status = 403,
                            .address = "192.0.2.1:5",
                            .origin = {},
                            .why = "No.",
                            .trace_id = "t" + std::to_string(i)});
  }
  f.link.send(UnloggedNote{.refused = 40, .opened = 0, .resumed = 0, .ended = {}});
  f.control.take_outboxes(Instant{});
  REQUIRE(f.lines.lines.size() == 2);
  CHECK_THAT(f.lines.lines[1],
             Catch::Matchers::StartsWith("info request refused reason=forbidden status=403") &&
                 Catch::Matchers::ContainsSubstring("trace_id=t1"));
  f.limited.flush();
  REQUIRE(f.lines.lines.size() == 3);
  CHECK(f.lines.lines[2] == "info request refused (x 41 more)");
}

TEST_CASE("a worker that does not turn is detected, and its questions are given up") {
  ControlFixture f;
  const bool about_orders = GENERATE(false, true);
  std::vector<bool> told;
  const auto ask = [&] {
    const auto tell = [&](bool known) { told.push_back(known); };
    if (about_orders) return f.control.await_orders(tell);
    f.control.count_subscribers({"a"},
                                [tell](const std::optional<std::vector<std::uint64_t>>& sums) {
                                  tell(sums.has_value() && *sums == std::vector<std::uint64_t>{3});
                                });
  };
  CHECK_FALSE(f.control.all_workers_turn());
  ask();
  for (int tick = 0; tick < 4; ++tick) f.control.tick();
  CHECK(told.empty());  // Less than a second has passed.
  f.control.tick();
  CHECK(told == std::vector{false});

  // The first question without room is refused at once.
  std::size_t asked = 1;
  for (; told.size() == 1; ++asked) ask();
  CHECK(asked == 129);
  CHECK(told == std::vector{false, false});

  OnePage pages;
  const std::unique_ptr<WorkerOrders> orders = f.link.begin_turn();
  if (orders) {
    for (ControlTask& done : orders->carried_out) f.link.reply(std::move(done));
  }
  while (auto item = f.link.next()) (*std::get<std::unique_ptr<WorkerTask>>(*item))(pages);
  CHECK(f.control.all_workers_turn());
  CHECK_FALSE(f.control.all_workers_turn());
  told.clear();
  CHECK(f.control.take_outboxes(Instant{}));
  CHECK(told.size() < 64);  // An answer may make a page, so a turn takes a few.
  while (f.control.take_outboxes(Instant{})) {
  }
  CHECK(told == std::vector<bool>(127, true));  // The first question had been given up.
  ask();
  CHECK(told.size() == 127);  // There is room again.
}

TEST_CASE("a page of streams goes on with the next worker until it is full") {
  ControlFixture f;
  WorkerLink second{{[] {}, [] {}}};
  Control control{{f.log, f.connections, f.limited, f.lines, {&f.link, &second}, [](std::size_t) {
                     return WorkerRow();
                   }}};
  OnePage pages;
  std::vector<std::string> listed;
  std::uint64_t cursor = 0;
  std::size_t asked = 0;
  const std::size_t limit = GENERATE(values<std::size_t>({1, 2, 4, 100}));
  do {
    std::optional<StreamPage> page;
    control.list_streams(cursor, limit, [&](std::optional<StreamPage> got) { page = got; });
    for (int turn = 0; turn < 2; ++turn) {
      for (WorkerLink* link : {&f.link, &second}) {
        while (auto item = link->next()) (*std::get<std::unique_ptr<WorkerTask>>(*item))(pages);
      }
      control.take_outboxes(Instant{});
    }
    REQUIRE(page);
    CHECK((page->rows.size() == limit || page->next == 0));
    for (const StreamRow& row : page->rows) listed.push_back(row.session_id);
    cursor = page->next;
    ++asked;
  } while (cursor != 0 && asked < 10);
  CHECK(listed == std::vector<std::string>{"0", "1", "2", "0", "1", "2"});
}

TEST_CASE("the streams furthest behind are those of all workers") {
  ControlFixture f;
  WorkerLink second{{[] {}, [] {}}};
  Control control{{f.log, f.connections, f.limited, f.lines, {&f.link, &second}, [](std::size_t) {
                     return WorkerRow();
                   }}};
  OnePage first_page;
  first_page.lagging = {{0, 5, {}}, {0, 9, {}}};
  OnePage second_page;
  second_page.lagging = {{1, 2, {}}, {1, 7, {}}};
  std::optional<std::vector<LaggingStream>> found;
  control.list_lagging(3, [&](auto got) { found = std::move(got); });
  for (auto [link, page] : {std::pair{&second, &second_page}, std::pair{&f.link, &first_page}}) {
    CHECK_FALSE(found);
    while (auto item = link->next()) (*std::get<std::unique_ptr<WorkerTask>>(*item))(*page);
    control.take_outboxes(Instant{});
  }
  REQUIRE(found);
  std::vector<std::uint64_t> sequences;
  for (const LaggingStream& stream : *found) sequences.push_back(stream.sequence);
  CHECK(sequences == std::vector<std::uint64_t>{2, 5, 7});
}

TEST_CASE("a turn answers fewer patterns if they look up the losses of many topics") {
  ControlFixture f;
  f.list_topics(30'000);
  const auto [subscription, at_once] = GENERATE(table<std::string, std::size_t>({
      {"busy", 32},  // Looks up its own losses only.
      {"busy.*", 4},
  }));
  for (int i = 0; i < 40; ++i) f.ask(subscription);
  std::size_t answers = 0;
  std::size_t gaps = 0;
  for (bool more = true; more;) {
    more = f.control.take_outboxes(Instant{});
    const ControlFixture::Taken taken = f.take_inbox();
    CHECK(taken.answers <= at_once);
    CHECK((taken.answers == at_once || !more));
    answers += taken.answers;
    gaps += taken.gaps;
  }
  CHECK(answers == 40);
  CHECK(gaps == (subscription == "busy" ? 40 : 0));
}

TEST_CASE("a turn answers fewer requests that name many topics or are given many events") {
  ControlFixture f;
  for (int i = 0; i < 880; ++i) f.publish("t." + std::to_string(i));
  f.feed.flush();
  f.take_inbox();
  struct Row {
    std::size_t topics;
    std::uint32_t frames;
    std::size_t at_once;
  };
  const auto row = GENERATE(values<Row>({{1, 1, 32}, {64, 1, 22}, {880, 1, 5}, {880, 880, 4}}));
  CAPTURE(row.topics, row.frames);
  for (int i = 0; i < 40; ++i) {
    std::vector<Selector> topics;
    for (std::size_t n = 0; n < row.topics; ++n) {
      topics.push_back(*Selector::parse("t." + std::to_string(n)));
    }
    f.ask(std::move(topics), 880, row.frames);
  }
  CHECK(f.control.take_outboxes(Instant{}));
  CHECK(f.take_inbox().answers == row.at_once);
}

TEST_CASE("a turn feeds a late worker less if the losses of many topics are looked up") {
  ControlFixture f;
  f.list_topics(40'000);
  for (int i = 0; f.link.has_room_for_batch(); ++i) {  // The worker takes nothing from here on.
    f.publish("first." + std::to_string(i % 2));
    f.feed.flush();
  }
  for (int i = 0; i < 30'000; ++i) {
    f.publish(i % 2 == 0 ? "gone" : "kept." + std::to_string(i));
  }
  CHECK_FALSE(f.feed.flush());
  f.take_inbox();
  std::size_t losses = 0;
  for (bool more = true; more;) {
    more = f.feed.flush();
    const ControlFixture::Taken taken = f.take_inbox();
    CHECK(taken.losses <= 3);
    losses += taken.losses;
  }
  CHECK(losses >= 5);
}

TEST_CASE("a worker is woken for every fourth batch of a long turn, and for the rest at its end") {
  constexpr std::size_t kFourBatches = 4 * 1'024;
  ControlFixture f;
  for (std::size_t i = 1; i <= 9'000; ++i) {
    f.publish("a");
    CHECK(f.wakes == (i - 1) / kFourBatches);  // A full batch leaves with the next event.
  }
  CHECK(f.take_inbox().frames == 2 * kFourBatches);
  f.feed.flush();
  CHECK(f.wakes == 3);
  CHECK(f.take_inbox().frames == 9'000 - 2 * kFourBatches);
  f.feed.flush();
  CHECK(f.wakes == 3);  // Nothing new was pushed.
  for (std::size_t i = 0; i <= kFourBatches; ++i) {
    f.publish("a");
    CHECK(f.wakes == 3 + i / kFourBatches);
  }
}

TEST_CASE("the feed waits 4 ms at most for publishers that have more to say") {
  ControlFixture f;
  CHECK_FALSE(f.feed.holds({500}));  // There is nothing to wait with.
  f.publish("a");
  CHECK(f.feed.holds({1'000}));
  CHECK(f.feed.holds({4'999}));
  CHECK_FALSE(f.feed.holds({5'000}));
  CHECK_FALSE(f.feed.holds({6'000}));
  f.feed.flush();
  CHECK_FALSE(f.feed.holds({6'500}));
  f.publish("a");
  CHECK(f.feed.holds({7'000}));  // The 4 ms begin again after each flush().
}

TEST_CASE("holes in the numbering are no loss, whether a worker is late or not") {
  ControlFixture f;
  broadcast::append(f.log, {.topic = "loaded", .data = "x"}, {}, nullptr, 9);
  Feed feed{f.log, f.log_head, {&f.link}, f.traces};
  std::size_t published = 0;
  const auto publish = [&] {
    const std::string topic = "t." + std::to_string(published);
    feed.publish(
        broadcast::append(f.log, {.topic = topic, .data = "x"}, {}, nullptr, published % 3));
    ++published;
  };
  publish();
  feed.flush();
  CHECK(f.take_inbox().frames == 1);
  while (f.link.has_room_for_batch() ||
         published % 100 != 0) {  // The worker takes nothing and falls behind.
    publish();
    feed.flush();
  }
  ControlFixture::Taken all;
  for (bool more = true; more;) {
    const ControlFixture::Taken taken = f.take_inbox();
    all.frames += taken.frames;
    all.losses += taken.losses;
    more = feed.flush() || taken.batches > 0;
  }
  CHECK(all.frames == published - 1);
  CHECK(all.losses == 0);
  CHECK(f.log_head == f.log.head());
}

}  // namespace crier::cmd
