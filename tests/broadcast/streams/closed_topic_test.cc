// What streams get when their topics are closed, and when they end.
#include <string>
#include <vector>

#include "core/text/sse_parser.h"
#include "tests/broadcast/streams/worker_fixture.h"

namespace crier::broadcast {
namespace {

using Opened = WorkerFixture::Opened;

void close_topics(WorkerFixture& f, const std::vector<std::string>& topics) {
  auto batch = std::make_shared<Batch>();
  for (const std::string& topic : topics) batch->push_back(close(f.log, topic, f.now, &f.account));
  f.head = f.log.head();
  f.worker->take_batch(batch);
}

// The events of a plain stream, each with the number in its id: "crier.open:0 x:1 end:closed".
std::string told(WorkerFixture& f, const Opened& stream) {
  std::string all;
  SseParser parser(1 << 20);
  const std::string text = f.io[stream.fd].sent.substr(1);  // The head is one letter.
  const bool fits = parser.feed(text, [&](const SseMessage& message) {
    if (!all.empty()) all += ' ';
    if (message.event == "crier.end") {
      const std::size_t at = message.data.find(":\"") + 2;
      all += "end:" + message.data.substr(at, message.data.find('"', at) - at);
      return;
    }
    all += message.event == "message" ? message.data : message.event;
    const std::string& id = message.last_event_id;
    all += ':' + id.substr(id.find('-') + 1);
  });
  CHECK(fits);
  return all;
}

ResumePlan after(std::uint64_t sequence, std::string& id, const WorkerFixture& f) {
  id = f.id(sequence);
  return plan_resume(id, f.log.epoch(), f.head);
}

WorkerOptions small_ring() {
  WorkerOptions options;
  options.owed_events_max = 3;
  return options;
}

}  // namespace

TEST_CASE("a stream ends after the event that closes its topic, other streams stay") {
  WorkerFixture f;
  const Framing framing = GENERATE(Framing::plain, Framing::chunked);
  const auto stream = f.open({"a"}, {}, framing);
  const auto other = f.open({"b"});
  const auto pattern = f.open({"*"});
  f.publish({"a"});
  close_topics(f, {"a"});
  f.run();
  CHECK(f.ended == std::vector{EndReason::closed});
  CHECK(f.io[stream.fd].closed);
  if (framing == Framing::plain) {
    CHECK(told(f, stream) == "crier.open:0 x:1 crier.closed:2 end:closed");
  } else {
    CHECK(f.io[stream.fd].sent.ends_with("{\"reason\":\"closed\"}\n\n\r\n0\r\n\r\n"));
  }
  f.publish({"b"});
  f.run();
  CHECK(told(f, other) == "crier.open:0 x:3");
  CHECK(told(f, pattern) == "crier.open:0 x:1 crier.closed:2 x:3");
  CHECK(f.asked == 0);
}

TEST_CASE("a stream with several topics ends when the last of them is closed") {
  WorkerFixture f;
  const auto stream = f.open({"a", "b", "c"});
  const auto with_pattern = f.open({"a", "b", "c", "x.*"});
  const bool at_once = GENERATE(false, true);
  close_topics(f, {"b"});
  f.publish({"a", "b.other"});
  if (!at_once) f.run();
  CHECK(f.ended.empty());
  close_topics(f, {"a", "c"});
  f.run();
  CHECK(f.ended == std::vector{EndReason::closed});
  const std::string events = "crier.open:0 crier.closed:1 x:2 crier.closed:4 crier.closed:5";
  CHECK(told(f, stream) == events + " end:closed");
  CHECK(told(f, with_pattern) == events);
}

TEST_CASE("a slow stream gets all it is owed, the closing event and the end") {
  WorkerFixture f;
  const auto stream = f.open({"a"});
  f.io[stream.fd].room = GENERATE(0U, 5U, 60U);
  f.publish({"a", "a"});
  close_topics(f, {"a"});
  f.run();
  CHECK(f.ended.empty());
  CHECK(f.state(stream) == StreamState::owing);
  f.unblock(stream);
  CHECK(told(f, stream) == "crier.open:0 x:1 x:2 crier.closed:3 end:closed");
  CHECK(f.ended == std::vector{EndReason::closed});
}

TEST_CASE("a stream that waits for tokens is not hurried to its end") {
  TopicClass global;
  global.rate = TokenRate::of(1, 1);
  WorkerFixture f(global);
  const auto stream = f.open({"a"});
  f.publish({"a", "a"});
  close_topics(f, {"a"});
  f.run();
  f.pass_seconds(1);
  f.worker->revisit();
  f.run();
  CHECK(told(f, stream) == "crier.open:0 x:1 x:2");
  f.pass_seconds(1);
  f.worker->revisit();
  f.run();
  CHECK(told(f, stream) == "crier.open:0 x:1 x:2 crier.closed:3 end:closed");
}

TEST_CASE("whatever the policy, a stream that is too slow gets the closing event and the end") {
  const auto [policy, retained, events] =
      GENERATE(table<OverflowPolicy, std::uint32_t, std::string>({
          {OverflowPolicy::catch_up, 100, "x:1 x:2 x:3 x:4 x:5 crier.closed:6 end:closed"},
          {OverflowPolicy::catch_up, 0, "crier.gap:5 crier.closed:6 end:closed"},
          {OverflowPolicy::drop_oldest, 100, "crier.gap:3 x:4 x:5 crier.closed:6 end:closed"},
          {OverflowPolicy::conflate, 100, "crier.closed:6 end:closed"},
          {OverflowPolicy::conflate, 0, "crier.closed:6 end:closed"},
          {OverflowPolicy::disconnect, 100, "end:overflow"},
      }));
  INFO(to_string(policy) << ", " << retained << " retained");
  TopicClass global = with_policy(policy);
  global.history.events_max = retained;
  WorkerFixture f(global, small_ring());
  const auto stream = f.open({"a"});
  f.io[stream.fd].room = 0;
  f.publish({"a", "a", "a", "a", "a"});
  close_topics(f, {"a"});
  f.run();
  f.unblock(stream);
  f.answer_all();
  CHECK(told(f, stream) == "crier.open:0 " + events);
}

TEST_CASE("later events of other topics do not push a closing event out") {
  const OverflowPolicy policy = GENERATE(OverflowPolicy::drop_oldest, OverflowPolicy::conflate);
  WorkerFixture f(with_policy(policy), small_ring());
  const auto stream = f.open({"a", "b"});
  f.io[stream.fd].room = 0;
  close_topics(f, {"a"});
  for (int i = 0; i < 6; ++i) f.publish({"b"});
  f.run();
  f.unblock(stream);
  f.answer_all();
  const std::string events = told(f, stream);
  INFO(events);
  CHECK(events.starts_with("crier.open:0 crier.closed:1 "));
  CHECK(events.ends_with(" x:7"));
  close_topics(f, {"b"});
  f.run();
  CHECK(f.ended == std::vector{EndReason::closed});
}

TEST_CASE("the announcement of a loss does not push a closing event out") {
  WorkerOptions options;
  options.owed_events_max = 8;
  options.owed_bytes_max = 1'000;
  WorkerFixture f(with_policy(OverflowPolicy::drop_oldest), options);
  const auto stream = f.open({"a", "b"});
  f.io[stream.fd].room = 0;
  f.publish({"a"}, std::string(930, 'x'));
  close_topics(f, {"a"});  // There is room for it without the event before.
  for (int i = 0; i < 7; ++i) f.publish({"b"});
  f.run();
  REQUIRE(f.stats.frames_dropped.read() == 1);
  f.unblock(stream);
  f.answer_all();
  const std::string events = told(f, stream);
  INFO(events);
  CHECK(events.starts_with("crier.open:0 crier.gap:1 crier.closed:2 x:3 "));
  CHECK(events.ends_with(" x:9"));
}

TEST_CASE("a closing event is not superseded by an event that opens the topic again") {
  WorkerFixture f(with_policy(OverflowPolicy::conflate));
  const auto stream = f.open({"a"});
  f.io[stream.fd].room = 0;
  f.publish({"a"});
  close_topics(f, {"a"});
  f.publish({"a", "a"});
  f.run();
  f.unblock(stream);
  CHECK(told(f, stream) == "crier.open:0 crier.closed:2 x:4");
  CHECK(f.ended.empty());
}

TEST_CASE("when memory is short, a drop-oldest stream keeps its closing event") {
  WorkerOptions options;
  options.owed_total_bytes_max = 300;
  TopicClass global = with_policy(OverflowPolicy::drop_oldest);
  global.history.events_max = 0;  // So that the ring holds memory that the history does not.
  WorkerFixture f(global, options);
  const auto stream = f.open({"a"});
  f.io[stream.fd].room = 0;
  f.publish({"a"}, std::string(400, 'x'));
  close_topics(f, {"a"});
  f.run();
  f.unblock(stream);
  f.answer_all();
  CHECK(told(f, stream) == "crier.open:0 crier.gap:1 crier.closed:2 end:closed");
}

TEST_CASE("a client without a position is told once which topics are closed") {
  WorkerFixture f;
  f.publish({"a", "open"});
  close_topics(f, {"a", "b"});
  f.publish({"open"});
  f.run();
  static const std::string unknown = "what";
  ResumePlan plan;
  const bool malformed = GENERATE(false, true);
  if (malformed) plan = plan_resume(unknown, f.log.epoch(), f.head);
  const std::string begin = malformed ? "crier.open:5 crier.gap:5" : "crier.open:5";

  const auto one = f.open({"a"}, plan);
  const auto both = f.open({"a", "b"}, plan);
  const auto mixed = f.open({"b", "open", "a"}, plan);
  const auto pattern = f.open({"*"}, plan);
  f.run();
  CHECK(f.ended == std::vector(2, EndReason::closed));
  CHECK(told(f, one) == begin + " crier.closed:5 end:closed");
  CHECK(told(f, both) == begin + " crier.closed:5 crier.closed:5 end:closed");
  CHECK(told(f, mixed) == begin + " crier.closed:5 crier.closed:5");
  CHECK(told(f, pattern) == begin);
  CHECK(f.io[mixed.fd].sent.find("{\"topic\":\"b\"}") < f.io[mixed.fd].sent.find("\"a\"}"));

  f.publish({"open"});
  close_topics(f, {"open"});
  f.run();
  CHECK(told(f, mixed) == begin + " crier.closed:5 crier.closed:5 x:6 crier.closed:7 end:closed");
}

TEST_CASE("a slow client without a position gets the closing event before the end, too") {
  WorkerFixture f;
  close_topics(f, {"a"});
  f.run();
  const auto stream = f.open({"a"}, {}, Framing::plain, GENERATE(0U, 1U, 30U, 150U));
  f.run();
  CHECK(f.ended.empty());
  f.unblock(stream);
  CHECK(told(f, stream) == "crier.open:1 crier.closed:1 end:closed");
  CHECK(f.ended == std::vector{EndReason::closed});
}

TEST_CASE("a client that resumes gets what it is owed up to the closing event, and the end") {
  TopicClass global;
  global.history.events_max = GENERATE(100U, 0U);
  const bool retained = global.history.events_max > 0;
  WorkerFixture f(global);
  f.publish({"a", "a"});
  close_topics(f, {"a"});
  f.publish({"b"});
  f.run();
  std::string id;
  const auto stream = f.open({"a"}, after(1, id, f));
  const auto last = f.open({"a"}, after(2, id, f));
  const auto other = f.open({"a", "b"}, after(3, id, f));
  f.run();
  f.answer_all();
  CHECK(told(f, stream) == "crier.open:1 " + std::string(retained ? "x:2" : "crier.gap:2") +
                               " crier.closed:3 end:closed");
  CHECK(told(f, last) == "crier.open:2 crier.closed:3 end:closed");
  CHECK(told(f, other) == "crier.open:3 " + std::string(retained ? "x:4" : "crier.gap:4"));
  CHECK(f.ended == std::vector(2, EndReason::closed));
  close_topics(f, {"b"});
  f.run();
  CHECK(f.ended.size() == 3);
}

TEST_CASE("a replay in parts ends the stream after the last part") {
  WorkerFixture f({}, small_ring());  // Less than four frames a part: one event.
  f.publish({"a"});
  close_topics(f, {"b"});
  f.publish({"a"});
  close_topics(f, {"a"});
  f.run();
  ResumePlan plan;
  plan.kind = ResumePlan::Kind::replay;
  plan.from = ReplayFrom::earliest;
  const auto stream = f.open({"a", "b"}, plan);
  f.run();
  f.answer_all();
  CHECK(f.asked > 2);
  CHECK(told(f, stream) == "crier.open:0 x:1 crier.closed:2 x:3 crier.closed:4 end:closed");
}

TEST_CASE("a client that has had the last event of all its topics is done") {
  WorkerFixture f;
  f.publish({"a", "b", "open"});
  close_topics(f, {"a"});  // 4
  close_topics(f, {"b"});  // 5
  f.publish({"open"});     // 6
  const std::string epoch(f.log.epoch().view());
  struct Row {
    std::vector<std::string> topics;
    std::string id;
    bool over;
  };
  const Row row = GENERATE_COPY(values<Row>({
      {{"a"}, epoch + "-4", true},
      {{"a"}, epoch + "-6", true},
      {{"a"}, epoch + "-3", false},
      {{"a"}, epoch + "-7", false},       // Beyond the head: unknown.
      {{"a"}, "a2222222222ab-9", false},  // Of another epoch.
      {{"a"}, "x", false},
      {{"a"}, "", false},
      {{"a", "b"}, epoch + "-4", false},
      {{"a", "b"}, epoch + "-5", true},
      {{"a", "open"}, epoch + "-6", false},
      {{"a", "*"}, epoch + "-6", false},
      {{"*"}, epoch + "-6", false},
  }));
  INFO(row.id);
  CHECK(f.worker->is_over(selectors(row.topics), plan_resume(row.id, f.log.epoch(), f.head)) ==
        row.over);
  ResumePlan earliest;
  earliest.kind = ResumePlan::Kind::replay;
  earliest.from = ReplayFrom::earliest;
  earliest.after = f.head;
  CHECK_FALSE(f.worker->is_over(selectors(row.topics), earliest));
}

TEST_CASE("a stream whose worker missed the closing event gets it from the log") {
  TopicClass global;
  global.history.events_max = 0;
  WorkerFixture f(global);
  const auto stream = f.open({"a"});
  close(f.log, "a");
  f.head = f.log.head();
  f.worker->take_lost({1, 1, std::vector<std::string>{"a"}});
  f.run();
  f.answer_all();
  CHECK(told(f, stream) == "crier.open:0 crier.closed:1 end:closed");
}

TEST_CASE("a stream that is ending for another reason keeps that reason") {
  WorkerFixture f;
  const auto stream = f.open({"a"});
  f.io[stream.fd].room = 0;
  f.publish({"a"});
  f.run();
  f.worker->begin_drain(0, f.now);
  close_topics(f, {"a"});
  f.run();
  f.unblock(stream);
  CHECK(told(f, stream) == "crier.open:0 x:1 end:drained");
  CHECK(f.ended == std::vector{EndReason::drained});
}

TEST_CASE("many streams of a closed topic end in slices") {
  WorkerFixture f;
  for (int i = 0; i < 5'000; ++i) f.open({"a"});
  close_topics(f, {"a"});
  f.worker->run(f.now);
  f.worker->finish_turn(f.now);
  CHECK(f.worker->unfinished());
  CHECK(f.ended.size() < 5'000);
  f.run();
  CHECK(f.ended == std::vector(5'000, EndReason::closed));
}

}  // namespace crier::broadcast
