// The policy conflate: a stream that cannot keep up is owed only the newest event of each topic.
#include <string>
#include <vector>

#include "tests/broadcast/streams/worker_fixture.h"

namespace crier::broadcast {
namespace {

using Topics = std::vector<std::string>;

TopicClass conflating(std::uint32_t history_events_max = 1'000) {
  TopicClass global;
  global.policy = OverflowPolicy::conflate;
  global.history.events_max = history_events_max;
  return global;
}

WorkerOptions owed_at_most(std::uint32_t events) {
  WorkerOptions options;
  options.owed_events_max = events;
  return options;
}

WorkerFixture::Opened open_stopped(WorkerFixture& f, const Topics& topics, std::size_t room = 0) {
  const auto stream = f.open(topics);
  f.take_sent(stream);
  f.io[stream.fd].room = room;
  return stream;
}

void read_all(WorkerFixture& f, const WorkerFixture::Opened& stream) {
  f.unblock(stream);
  f.answer_all();
  CHECK(f.state(stream) == StreamState::live);
  CHECK(f.stats.queue_bytes.read() == 0);
}

struct Stopped {
  std::string name;
  Topics subscriptions;
  Topics published;
  std::size_t room;  // Bytes that the connection takes before the stream stops.
  Sequences sent;
};

}  // namespace

TEST_CASE("a stopped stream gets the newest event of each topic, in order and without a gap") {
  const Stopped c = GENERATE(values<Stopped>({
      {"one topic", {"a"}, {"a", "a", "a", "a"}, 0, {4}},
      {"an event that was begun is finished", {"a"}, {"a", "a", "a", "a"}, 5, {1, 4}},
      {"one event each", {"a", "b", "c"}, {"a", "b", "c"}, 5, {1, 2, 3}},
      {"three topics", {"a", "b", "c"}, {"a", "b", "a", "c", "b", "a"}, 0, {4, 5, 6}},
      {"and an event that was begun", {"a", "b", "c"}, {"a", "b", "a", "c", "b"}, 5, {1, 3, 4, 5}},
      {"a quiet topic before a busy one", {"a", "b"}, {"b", "a", "a", "a", "a"}, 0, {1, 5}},
      {"a pattern", {"*"}, {"a", "b", "a", "c", "b", "a"}, 0, {4, 5, 6}},
      {"topics that it does not want", {"a"}, {"b", "a", "b", "a", "b"}, 0, {4}},
  }));
  const std::uint32_t owed_events_max = GENERATE(1U, 2U, 3U, 8U, 1'024U);
  const bool in_one_batch = GENERATE(false, true);
  INFO(c.name << ", at most " << owed_events_max << " owed");
  WorkerFixture f(conflating(), owed_at_most(owed_events_max));
  const auto stream = open_stopped(f, c.subscriptions, c.room);
  if (in_one_batch) f.publish(c.published);
  for (const std::string& topic : in_one_batch ? Topics() : c.published) {
    f.publish({topic});
    f.run();
  }
  f.run();
  read_all(f, stream);
  CHECK(f.ids_sent(stream) == c.sent);
  CHECK(count_of(f.io[stream.fd].sent, "crier.gap") == 0);
  CHECK(f.stats.frames_dropped.read() == 0);
}

TEST_CASE("a stream that keeps up gets every event") {
  WorkerFixture f(conflating());
  const auto stream = f.open({"a", "b"});
  f.publish({"a", "a", "b", "a"});
  f.publish({"b", "b"});
  f.run();
  CHECK(f.ids_sent(stream) == Sequences{1, 2, 3, 4, 5, 6});
  CHECK(f.stats.events_superseded.read() == 0);
}

TEST_CASE("no event is cut, wherever the kernel stopped") {
  const Framing framing = GENERATE(Framing::plain, Framing::chunked);
  std::size_t size = 1;
  for (std::size_t cut = 0; cut <= size; ++cut) {
    INFO("the kernel takes " << cut << " bytes first");
    WorkerFixture f(conflating());
    const auto stream = f.open({"a", "b"}, {}, framing);
    f.take_sent(stream);
    f.io[stream.fd].room = cut;
    f.publish({"a", "b"});
    f.run();
    f.publish({"a", "b", "a", "b"});
    f.run();
    std::string expected;
    for (const FrameRef& frame : f.log.frames_after(0, 100, 1 << 20).frames) {
      const std::string_view wire = frame->wire(framing);
      if (frame->sequence() == 2) size = expected.size() + wire.size();
      const bool begun = frame->sequence() <= 2 && cut > expected.size();
      if (begun || frame->sequence() >= 5) expected += wire;
    }
    read_all(f, stream);
    CHECK(f.io[stream.fd].sent == expected);
  }
}

TEST_CASE("a stopped stream holds the newest events and little more") {
  WorkerFixture f(conflating(0));  // The history retains nothing, so a loss could not be repaired.
  const auto stream = open_stopped(f, {"a", "b", "c"});
  const Topics topics{"a", "b", "c"};
  for (std::size_t i = 0; i < 10'000; ++i) {
    f.publish({topics[i % 3]});
    f.run();
  }
  CHECK(f.worker->streams().ring_bytes() == RingPool::kSmallest * sizeof(FrameRef));
  CHECK(f.account.frames <= RingPool::kSmallest);
  CHECK(f.stats.overflows.read() == 0);
  CHECK(f.asked == 0);
  read_all(f, stream);
  CHECK(f.ids_sent(stream) == Sequences{9'998, 9'999, 10'000});
  CHECK(f.stats.events_superseded.read() == 9'997);
  CHECK(count_of(f.io[stream.fd].sent, "crier.gap") == 0);
}

TEST_CASE("events that arrive while a stream is being sent to supersede what it has not begun") {
  WorkerFixture f(conflating());
  const auto stream = open_stopped(f, {"a", "b"});
  f.publish({"a", "b"});
  f.run();
  f.io[stream.fd].room = 5;
  f.worker->on_writable(stream.token, f.now);  // Begins the first event.
  f.publish({"b", "a", "b"});
  f.run();
  read_all(f, stream);
  CHECK(f.ids_sent(stream) == Sequences{1, 4, 5});
}

TEST_CASE("a stream is owed an event of as many topics as its limit says") {
  WorkerFixture f(conflating(0), owed_at_most(8));
  const Topics topics{"a", "b", "c", "d", "e", "f", "g", "h"};
  const auto stream = open_stopped(f, topics);
  for (int i = 0; i < 3; ++i) f.publish(topics);
  f.publish({"c"});
  f.run();
  CHECK(f.stats.overflows.read() == 0);
  read_all(f, stream);
  CHECK(f.ids_sent(stream) == Sequences{17, 18, 20, 21, 22, 23, 24, 25});
}

TEST_CASE("a stream that is owed nearly as many topics as it may be continues from the history") {
  const auto [topics, from_history] =
      GENERATE(table<std::size_t, bool>({{800, false}, {950, true}}));
  WorkerFixture f(conflating(), owed_at_most(1'024));
  const auto stream = open_stopped(f, {"t.*"});
  Topics round;
  for (std::size_t i = 0; i < topics; ++i) round.push_back("t." + std::to_string(i));
  for (int i = 0; i < 5; ++i) {
    f.publish(round);
    f.run();
  }
  CHECK(f.state(stream) == (from_history ? StreamState::replaying : StreamState::owing));
  CHECK(f.stats.overflows.read() == (from_history ? 1 : 0));
  read_all(f, stream);
  Sequences newest;
  for (std::uint64_t x = f.head - topics + 1; x <= f.head; ++x) newest.push_back(x);
  CHECK(f.ids_sent(stream) == newest);
  CHECK(count_of(f.io[stream.fd].sent, "crier.gap") == 0);
}

TEST_CASE(
    "more topics than a stream may be owed come from the history, each with its newest event") {
  constexpr std::uint64_t kManyTopics = 200;
  WorkerFixture f(conflating(1), owed_at_most(64));
  const auto stream = open_stopped(f, {"t.*"}, 5);
  Topics round;
  for (std::uint64_t i = 0; i < kManyTopics; ++i) round.push_back("t." + std::to_string(i));
  for (int i = 0; i < 3; ++i) {
    f.publish(round);
    f.run();
  }
  CHECK(f.state(stream) == StreamState::replaying);
  CHECK(f.worker->streams().ring_bytes() == RingPool::kSmallest * sizeof(FrameRef));
  read_all(f, stream);
  Sequences expected{1};
  for (std::uint64_t x = 2 * kManyTopics + 1; x <= 3 * kManyTopics; ++x) expected.push_back(x);
  CHECK(f.ids_sent(stream) == expected);
  CHECK(count_of(f.io[stream.fd].sent, "crier.gap") == 0);
  CHECK(f.asked > 1);  // In parts.
}

TEST_CASE("a rate makes a steady sample of a fast topic") {
  TopicClass sampled = conflating();
  sampled.rate = TokenRate::of(2, 1);
  WorkerFixture f(sampled);
  const auto stream = f.open({"fast", "once"});
  f.publish({"once"});
  f.run();
  std::size_t sent = 1;
  for (int i = 0; i < 500; ++i) {  // 100 events a second, for 5 seconds.
    f.now.us += 10'000;
    f.publish({"fast"});
    f.run();
    f.worker->revisit();
    f.run();
    const Sequences ids = f.ids_sent(stream);
    REQUIRE(ids.size() <= sent + 1);
    if (ids.size() > sent) REQUIRE(ids.back() == f.head);
    sent = ids.size();
  }
  CHECK(sent == 11);
  CHECK(f.worker->streams().ring_bytes() <= RingPool::kSmallest * sizeof(FrameRef));
  f.now.us += 500'000;
  f.worker->revisit();
  f.run();
  CHECK(f.ids_sent(stream).back() == f.head);
  CHECK(f.state(stream) == StreamState::live);
}

TEST_CASE("of the events that arrive together, a stream with a rate is sent the newest ones") {
  TopicClass sampled = conflating();
  sampled.rate = TokenRate::of(1, 1);
  WorkerFixture f(sampled);
  const auto one = f.open({"a"});
  const auto two = f.open({"a", "b"});
  f.publish({"a", "b", "a", "b", "a"});
  f.run();
  CHECK(f.ids_sent(one) == Sequences{5});
  CHECK(f.state(one) == StreamState::live);
  CHECK(f.ids_sent(two) == Sequences{4});
  f.now.us += 1'500'000;
  f.worker->revisit();
  f.run();
  CHECK(f.ids_sent(two) == Sequences{4, 5});
  CHECK(f.state(two) == StreamState::live);
  CHECK(f.stats.events_superseded.read() == 2 + 3);
}

TEST_CASE("a resuming stream gets the newest event of each topic after its position") {
  TopicClass nothing = conflating(0);
  nothing.match = "forgetful.>";
  WorkerFixture f(conflating(2), WorkerOptions(), {nothing});
  f.publish({"a", "b", "a", "a", "a", "forgetful.x", "c", "a"});  // a retains 5 and 8.
  f.run();
  struct Resumed {
    Topics subscriptions;
    std::uint64_t after;
    Sequences sent;
  };
  const Resumed c = GENERATE(values<Resumed>({
      {{"a"}, 0, {8}},
      {{"a", "b", "c"}, 0, {2, 7, 8}},
      {{"a", "b", "c"}, 2, {7, 8}},
      {{"a", "b"}, 7, {8}},
      {{"*"}, 0, {2, 7, 8}},
  }));
  const std::string from = f.id(c.after);
  const auto stream = f.open(c.subscriptions, plan_resume(from, f.log.epoch(), f.head));
  f.run();
  f.answer_all();
  CHECK(f.ids_sent(stream) == c.sent);
  CHECK(count_of(f.io[stream.fd].sent, "crier.gap") == 0);
  CHECK(f.state(stream) == StreamState::live);

  // No newer event supersedes the lost one.
  const std::string start = f.id(0);
  const auto told = f.open({"forgetful.x"}, plan_resume(start, f.log.epoch(), f.head));
  f.run();
  f.answer_all();
  CHECK(count_of(f.io[told.fd].sent, "\"reason\":\"evicted\",\"missed\":1,") == 1);
}

TEST_CASE("events that a worker was never fed are no gap if a newer one supersedes them") {
  WorkerFixture f(conflating(1));
  const auto stream = f.open({"a"});
  for (int i = 0; i < 5; ++i) append(f.log, {.topic = "a", .data = "x"}, f.now, &f.account);
  f.head = f.log.head();
  f.worker->take_lost({1, 5, std::nullopt});
  f.run();
  f.answer_all();
  CHECK(f.ids_sent(stream) == Sequences{5});
  CHECK(count_of(f.io[stream.fd].sent, "crier.gap") == 0);
}

TEST_CASE("a conflating stream that must give way drops what is superseded first") {
  const std::string data(20'000, 'x');
  WorkerOptions options;
  options.owed_total_bytes_max = 100'000;
  WorkerFixture f(conflating(0), options);
  const auto stream = open_stopped(f, {"a", "b"});
  for (int i = 0; i < 3; ++i) {
    f.publish({"a", "b"}, data);
    f.run();
  }
  CHECK(f.stats.gave_way.read() == 1);
  read_all(f, stream);
  CHECK(f.ids_sent(stream) == Sequences{5, 6});
  CHECK(count_of(f.io[stream.fd].sent, "crier.gap") == 0);
}

TEST_CASE("a conflating stream that is ended gets the newest events first") {
  WorkerFixture f(conflating());
  const auto stream = open_stopped(f, {"a", "b"}, 5);
  f.publish({"a", "b", "a", "b"});
  f.run();
  f.worker->begin_drain(0, f.now);
  f.run();
  f.unblock(stream);
  CHECK(f.ids_sent(stream) == Sequences{1, 3, 4});
  CHECK(count_of(f.io[stream.fd].sent, "crier.end") == 1);
  CHECK(f.ended == std::vector{EndReason::drained});
}

TEST_CASE("a large event that supersedes a large one makes room among many small ones") {
  WorkerOptions options;
  options.owed_bytes_max = 10'000;
  WorkerFixture f(conflating(0), options);
  Topics small;
  for (int i = 0; i < 50; ++i) small.push_back("small." + std::to_string(i));
  Topics all = small;
  all.push_back("large");
  const auto stream = open_stopped(f, all);
  f.publish(small);
  f.run();
  for (int i = 0; i < 20; ++i) {
    f.publish({"large"}, std::string(2'000, 'x'));
    f.run();
  }
  CHECK(f.asked == 0);
  read_all(f, stream);
  const Sequences sent = f.ids_sent(stream);
  CHECK(sent.size() == 51);
  CHECK(sent.back() == 70);
  CHECK(count_of(f.io[stream.fd].sent, "crier.gap") == 0);
}

TEST_CASE("a conflating stream whose bytes are used up is not looked at over and over") {
  TopicClass global = conflating();
  global.bytes_rate = {.per_second = 1'000, .burst = 100};
  WorkerFixture f(global);
  Topics topics;
  for (int i = 0; i < 40; ++i) topics.push_back("t." + std::to_string(i));
  const auto stream = open_stopped(f, topics, ScriptedIo::kUnlimited);
  f.publish(topics, std::string(1'000, 'x'));
  f.run();
  f.take_sent(stream);
  const std::uint64_t before = f.stats.events_superseded.read();
  for (int i = 0; i < 10; ++i) {
    f.publish({"t.39"}, "y");
    f.run();
    f.now.us += 20'000;
    f.worker->revisit();
    f.run();
  }
  CHECK(f.take_sent(stream).empty());
  CHECK(f.stats.events_superseded.read() == before);
}

}  // namespace crier::broadcast
