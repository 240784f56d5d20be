#include "broadcast/log/log.h"

#include <cmath>

#include "tests/broadcast/log/log_support.h"

namespace crier::broadcast {
namespace {

std::uint64_t evicted(const Log& log, EvictionCause cause) {
  return log.stats().evicted[static_cast<std::size_t>(cause)].read();
}

}  // namespace

TEST_CASE("an event is encoded once, with its id") {
  FrameAccount account;
  LogOptions options = log_options();
  const Epoch epoch = options.epoch;
  const HashKey key = options.topic_key;
  {
    Log log(std::move(options));
    const FrameRef encoded =
        append(log, {.topic = "news", .data = "one\ntwo", .name = "edit"}, at(3), &account);
    const Frame& frame = *encoded;
    CHECK(frame.sequence() == 1);
    CHECK(frame.topic() == "news");
    CHECK(frame.topic_hash() == keyed_hash(key, "news"));
    CHECK(frame.accepted() == at(3));
    CHECK(frame.wire(Framing::plain) ==
          "id: " + std::string(epoch.view()) + "-1\nevent: edit\ndata: one\ndata: two\n\n");
    append(log, {.topic = "other", .data = "x"}, at(3), &account);
    CHECK(log.head() == 2);
    CHECK(account.frames.load() == 2);
    CHECK(log.stats().events.read() == 2);
  }
  CHECK(account.frames.load() == 0);
}

TEST_CASE("what is retained of a topic after a sequence is counted") {
  Log log(log_options({.events_max = 50}));
  for (std::uint64_t i = 0; i < 100; ++i) publish(log, i % 2 == 0 ? "even" : "odd", at(i));
  for (int i = 0; i < 20; ++i) publish(log, "even", at(100));  // 20 of the even ones are gone.
  struct Row {
    std::string_view topic;
    std::uint64_t after;
    std::uint64_t events;
    std::optional<Instant> oldest;
  };
  const Row row = GENERATE(values<Row>({
      {"odd", 0, 50, at(1)},
      {"odd", 1, 50, at(1)},
      {"odd", 2, 49, at(3)},
      {"odd", 51, 25, at(51)},
      {"odd", 99, 1, at(99)},
      {"odd", 100, 0, {}},
      {"odd", 1'000, 0, {}},
      {"even", 0, 50, at(40)},  // As far as they are retained.
      {"even", 99, 20, at(100)},
      {"even", 119, 1, at(100)},
      {"other", 0, 0, {}},
  }));
  INFO(row.topic << " after " << row.after);
  const Behind behind = log.behind(row.topic, row.after);
  CHECK(behind.events == row.events);
  CHECK(behind.oldest == row.oldest);
}

TEST_CASE("each limit evicts the oldest event first and counts it as its cause") {
  SECTION("events of a topic") {
    Log log(log_options({.events_max = 2}));
    for (int i = 0; i < 5; ++i) publish(log, "t");
    CHECK(log.topic("t", {})->oldest_sequence == 4);
    CHECK(log.topic("t", {})->evicted_through == 3);
    CHECK(evicted(log, EvictionCause::topic_events) == 3);
  }
  SECTION("bytes of a topic") {
    Log log(log_options({.bytes_max = 1'000}));
    for (int i = 0; i < 5; ++i) publish(log, "t", {}, std::string(300, 'x'));
    CHECK(log.topic("t", {})->bytes <= 1'000);
    CHECK(log.topic("t", {})->events == 2);
    CHECK(evicted(log, EvictionCause::topic_bytes) == 3);
  }
  SECTION("bytes of all topics") {
    LogOptions options = log_options();
    options.history_bytes_max = 1'000;
    Log log(std::move(options));
    publish(log, "a", {}, std::string(300, 'x'));
    publish(log, "b", {}, std::string(300, 'x'));
    publish(log, "c", {}, std::string(300, 'x'));
    CHECK(log.topic("a", {})->events == 0);
    CHECK(log.topic("a", {})->evicted_through == 1);
    CHECK(log.topic("b", {})->events == 1);
    CHECK(evicted(log, EvictionCause::total_bytes) == 1);
    CHECK(log.stats().history_bytes.read() <= 1'000);
  }
  SECTION("topics") {
    LogOptions options = log_options();
    options.topics_max = 2;
    Log log(std::move(options));
    publish(log, "a");
    publish(log, "b");
    publish(log, "a");
    publish(log, "c");
    CHECK_FALSE(log.topic("b", {}));
    CHECK(log.topic("a", {})->events == 2);
    CHECK(evicted(log, EvictionCause::topics) == 1);
    CHECK(log.stats().topics_forgotten.read() == 1);
  }
}

TEST_CASE("the memory of an event besides its frame counts towards the limits") {
  Log log(log_options({.bytes_max = 1'000}));
  const std::uint64_t frame = append(log, {.topic = "t", .data = "x"})->memory_bytes();
  CHECK(log.stats().history_bytes.read() == frame + History::kEventBytes);
  CHECK(log.stats().history_frame_bytes.read() == frame);
  CHECK(log.topic("t", {})->bytes == frame + History::kEventBytes);
  for (int i = 0; i < 100; ++i) publish(log, "t");
  const std::uint64_t events = log.stats().history_events.read();
  CHECK(events * (frame + 2 + History::kEventBytes) <= 1'000);  // The ids grow by two digits.
  CHECK(log.stats().history_bytes.read() ==
        log.stats().history_frame_bytes.read() + events * History::kEventBytes);
}

TEST_CASE("without history a frame is still sent, and its topic has evicted it") {
  Log log(log_options({.events_max = 0}));
  CHECK(append(log, {.topic = "t", .data = "x"})->sequence() == 1);
  CHECK(log.topic("t", {})->evicted_through == 1);
  CHECK(log.topic("t", {})->published == 1);
  CHECK(log.topic("t", {})->oldest_sequence == 0);
}

TEST_CASE("events are retained as long as their topic's class says") {
  Log log(log_options({.age_seconds_max = 10}, {topic_class("long.*", {.age_seconds_max = 100}),
                                                topic_class("short", {.age_seconds_max = 2})}));
  CHECK_FALSE(log.oldest_accepted());
  publish(log, "long.a", at(0));
  publish(log, "t", at(0));
  publish(log, "short", at(0));
  publish(log, "t", at(5));
  CHECK(log.oldest_accepted() == at(0));
  const auto alive = [&](std::uint64_t seconds) {
    while (log.expire(at(seconds))) {
    }
    return log.stats().history_events.read();
  };
  CHECK(alive(1) == 4);
  CHECK(alive(2) == 3);
  CHECK(alive(9) == 3);
  CHECK(alive(10) == 2);
  CHECK(log.topic("t", at(10))->oldest_sequence == 4);
  CHECK(alive(15) == 1);
  CHECK(alive(100) == 0);
  CHECK(evicted(log, EvictionCause::age) == 4);
}

TEST_CASE("expire() does a bounded share and returns whether more remains") {
  Log log(log_options({.events_max = 100'000, .age_seconds_max = 1}));
  for (int i = 0; i < 10'000; ++i) publish(log, "t");
  int calls = 1;
  while (log.expire(at(1))) ++calls;
  CHECK(calls == 3);
  CHECK(log.stats().history_events.read() == 0);
}

TEST_CASE("a replay never has an event past its age") {
  Log log(log_options({.age_seconds_max = 10}));
  publish(log, "t", at(0));
  publish(log, "t", at(8));
  const ReplayAnswer answer = log.replay(ask({"t"}), at(11));
  CHECK(sequences(answer.frames) == Sequences{2});
  REQUIRE(answer.gap);
  CHECK(answer.gap->missed == 1U);
}

TEST_CASE("events that exceed lowered limits are evicted in shares") {
  Log log(log_options({.events_max = 1'000}));
  for (int i = 0; i < 100; ++i) publish(log, "t");
  const std::uint64_t bytes = log.topic("t", {})->bytes;
  SECTION("events of a topic") {
    log.set_limits(classes({.events_max = 20}), 1 << 20);
    for (std::uint64_t left = 100; left > 23; left = log.topic("t", {})->events) {
      publish(log, "t");
      REQUIRE(log.topic("t", {})->events == left - 7);
    }
    publish(log, "t");
    CHECK(log.topic("t", {})->events == 20);
  }
  SECTION("bytes of a topic") {
    log.set_limits(classes({.bytes_max = bytes / 5}), 1 << 20);
    publish(log, "t");
    CHECK(log.topic("t", {})->events > 90);
    std::uint64_t before = log.topic("t", {})->bytes;
    // Evicts as much as it adds, and no more at once.
    publish(log, "t", {}, std::string(2'000, 'x'));
    CHECK(log.topic("t", {})->bytes <= before);
    CHECK(log.topic("t", {})->events > 50);
    for (int i = 0; i < 20; ++i) publish(log, "t");
    CHECK(log.topic("t", {})->bytes <= bytes / 5);
  }
  SECTION("a replay evicts no more than its share of the events past their age") {
    log.set_limits(classes({.events_max = 100'000, .age_seconds_max = 1}), 64 << 20);
    for (int i = 0; i < 5'000; ++i) publish(log, "t");
    log.replay(ask({"t"}), at(100));
    CHECK(log.topic("t", {})->events > 4'000);
    while (log.expire(at(100))) {
    }
    CHECK(log.topic("t", {})->events == 0);
  }
}

TEST_CASE("new limits hold from the next append and expire") {
  LogOptions options = log_options({.events_max = 10});
  options.history_bytes_max = 1 << 20;
  Log log(std::move(options));
  for (int i = 0; i < 10; ++i) publish(log, "a");
  for (int i = 0; i < 10; ++i) publish(log, "b");
  log.set_limits(classes({.events_max = 10}, {topic_class("a", {.events_max = 3})}), 1 << 20);
  CHECK(log.topic("a", {})->topic_class == 1);
  CHECK(log.topic("a", {})->events == 10);
  publish(log, "a");
  CHECK(log.topic("a", {})->events == 3);
  CHECK(log.topic("b", {})->events == 10);

  const std::uint64_t before = log.stats().history_bytes.read();
  log.set_limits(classes({}), 300);
  publish(log, "b");
  CHECK(log.stats().history_bytes.read() <= before);
  while (log.expire({})) {
  }
  CHECK(log.stats().history_bytes.read() <= 300);
}

TEST_CASE("an idle topic without history is no longer listed") {
  LogOptions options = log_options({.age_seconds_max = 10});
  options.idle_topic_seconds = 60;
  Log log(std::move(options));
  publish(log, "t", at(0));
  while (log.expire(at(59))) {
  }
  CHECK(log.topic("t", at(59)));
  while (log.expire(at(60))) {
  }
  CHECK_FALSE(log.topic("t", at(60)));
  CHECK(log.stats().forgotten_entries.read() == 1);
  CHECK(log.replay(ask({"t"}), at(60)).gap);
}

TEST_CASE("idle topics are forgotten at once where the memory of topics is needed") {
  Log log(log_options({.events_max = 0}));
  for (int i = 0; i < 10'000; ++i) publish(log, "t." + std::to_string(i), at(1));
  while (log.expire(at(2))) {
  }
  CHECK(log.stats().topics.read() == 10'000);
  log.set_idle_topic_seconds(0);
  while (log.expire(at(2))) {
  }
  CHECK(log.stats().topics.read() == 0);
  publish(log, "t.1", at(3));
  CHECK(log.stats().topics.read() == 1);
}

TEST_CASE("a worker that lagged is fed from the history and told of lost events") {
  Log log(log_options({.events_max = 2}));
  for (const char* topic : {"a", "b", "b", "b", "c"}) publish(log, topic);  // 2 is gone.
  SECTION("without holes") {
    const MissedFrames missed = log.frames_after(2, 100, 1 << 20);
    CHECK(sequences(missed.frames) == Sequences{3, 4, 5});
    CHECK(missed.through == 5);
    CHECK_FALSE(missed.lost);
  }
  SECTION("across a hole") {
    const MissedFrames missed = log.frames_after(0, 100, 1 << 20);
    CHECK(sequences(missed.frames) == Sequences{1, 3, 4, 5});
    REQUIRE(missed.lost);
    CHECK(missed.lost->from == 1);
    CHECK(missed.lost->through == 5);
    CHECK(missed.lost->topics == std::vector<std::string>{"b"});
  }
  SECTION("up to the hole") {
    const MissedFrames missed = log.frames_after(0, 1, 1 << 20);
    CHECK(sequences(missed.frames) == Sequences{1});
    CHECK(missed.through == 1);
    CHECK_FALSE(missed.lost);
  }
  SECTION("one frame at least") {
    CHECK(sequences(log.frames_after(3, 100, 1).frames) == Sequences{4});
  }
  SECTION("from the head") {
    const MissedFrames missed = log.frames_after(5, 100, 1 << 20);
    CHECK(missed.frames.empty());
    CHECK(missed.through == 5);
    CHECK_FALSE(missed.lost);
  }
}

TEST_CASE("with too many topics that lost an event, the notice names none") {
  const int topics = GENERATE(64, 65);
  Log log(log_options({.events_max = 1}));
  for (int i = 0; i < 2 * topics; ++i) publish(log, "t." + std::to_string(i % topics));
  const MissedFrames missed = log.frames_after(0, 100, 1 << 20);
  REQUIRE(missed.lost);
  CHECK(missed.lost->topics.has_value() == (topics == 64));
}

TEST_CASE("with a forgotten topic that lost an event, the notice names none") {
  LogOptions options = log_options({.events_max = 0});
  options.topics_max = 1;
  Log log(std::move(options));
  publish(log, "a");
  publish(log, "b");
  const MissedFrames missed = log.frames_after(0, 100, 1 << 20);
  REQUIRE(missed.lost);
  CHECK_FALSE(missed.lost->topics);
  REQUIRE(log.frames_after(1, 100, 1 << 20).lost);
  CHECK(log.frames_after(1, 100, 1 << 20).lost->topics == std::vector<std::string>{"b"});
}

TEST_CASE("topics are listed page by page") {
  Log log(log_options());
  for (int i = 0; i < 25; ++i) publish(log, "t." + std::to_string(i));
  std::vector<std::string> names;
  std::uint64_t cursor = 0;
  int pages = 0;
  do {
    const TopicPage page = log.page(cursor, 10, {});
    CHECK(page.topics.size() == (pages < 2 ? 10 : 5));
    for (const TopicInfo& info : page.topics) names.push_back(info.name);
    cursor = page.next;
    ++pages;
  } while (cursor != 0);
  CHECK(pages == 3);
  REQUIRE(names.size() == 25);
  for (int i = 0; i < 25; ++i)
    CHECK(names[static_cast<std::size_t>(i)] == "t." + std::to_string(i));
  CHECK_FALSE(log.topic("t.25", {}));
}

TEST_CASE("a page looks at a bounded number of rows") {
  LogOptions options = log_options({.age_seconds_max = 1});
  options.idle_topic_seconds = 1;
  options.topics_max = 200'000;
  Log log(std::move(options));
  for (int i = 0; i < 150'000; ++i) publish(log, "t." + std::to_string(i), at(1));
  publish(log, "last", at(5));
  while (log.expire(at(5))) {
  }
  REQUIRE(log.stats().topics.read() == 1);
  std::size_t found = 0;
  int pages = 0;
  std::uint64_t cursor = 0;
  do {
    const TopicPage page = log.page(cursor, 10, at(5));
    found += page.topics.size();
    cursor = page.next;
    ++pages;
  } while (cursor != 0);
  CHECK(found == 1);
  CHECK(pages == 3);
}

TEST_CASE("a topic's rate follows its events") {
  Log log(log_options());
  Instant now = at(100);
  for (int i = 0; i < 50 * 60; ++i) {
    publish(log, "t", now);
    now.us += kSecond / 50;
  }
  CHECK(std::abs(log.topic("t", now)->events_per_second - 50) < 2.5);
  now.us += 60 * kSecond;
  CHECK(log.topic("t", now)->events_per_second < 1);
}

}  // namespace crier::broadcast
