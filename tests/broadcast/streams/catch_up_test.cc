#include "broadcast/streams/catch_up.h"

#include "broadcast/streams/own_events.h"
#include "tests/broadcast/streams/worker_fixture.h"

namespace crier::broadcast {

TEST_CASE("a repeated replay request does not begin before crier.open's position") {
  WorkerOptions options;
  options.ring_bytes_max = 8;  // No ring: the stream asks again for what is not sent at once.
  WorkerFixture f({}, options);
  f.publish({"a", "a", "a", "a", "a"});
  f.run();
  ResumePlan plan;
  plan.kind = ResumePlan::Kind::replay;
  plan.from = ReplayFrom::last;
  plan.last_count = 2;
  const auto stream = f.open({"a"}, plan);
  f.run();
  f.take_sent(stream);
  REQUIRE(f.requests.size() == 1);
  ReplayAnswer answer = f.log.replay(f.requests.front(), f.now);
  f.requests.pop_front();
  // crier.open is sent, and no byte of the event after it.
  std::string open;
  append_event_id(open, f.log.epoch(), 3);
  f.io[stream.fd].room = 2 * open.size() + std::string(
                                               "id: \nevent: crier.open\nretry: 1234\n"
                                               "data: {\"position\":\"\"}\n\n")
                                               .size();
  f.worker->take_answer(std::move(answer), f.now);
  f.run();
  REQUIRE(f.state(stream) == StreamState::replaying);
  f.unblock(stream);
  f.answer_all();
  const std::string& sent = f.io[stream.fd].sent;
  CHECK(count_of(sent, "data: x") == 2);
  CHECK(count_of(sent, "id: " + f.id(4)) == 1);
  CHECK(count_of(sent, "id: " + f.id(5)) == 1);
}

TEST_CASE("an id beyond the head may be another node's, and its stream is told if it is not") {
  WorkerFixture f;
  f.publish({"a"});
  f.run();
  const std::string beyond = f.id(3);
  const ResumePlan plan = plan_resume(beyond, f.log.epoch(), 1, true);
  CHECK(plan.kind == ResumePlan::Kind::replay);
  CHECK(plan.after == 3);
  const auto stream = f.open({"a"}, plan);
  f.run();
  REQUIRE(f.requests.size() == 1);
  ReplayRequest request = std::move(f.requests.front());
  f.requests.pop_front();
  CHECK(request.after == 3);
  const bool known = GENERATE(true, false);
  if (known) {
    f.publish({"a", "a", "a"});  // Its own two, and a new one.
  } else {
    request.after = 1;
  }
  ReplayAnswer answer = f.log.replay(request, f.now);
  if (!known) answer.gap = Gap{GapReason::unknown_id, std::nullopt, 1};
  f.worker->take_answer(std::move(answer), f.now);
  f.run();
  if (!known) f.publish({"a", "a", "a"});
  f.run();
  const std::string& sent = f.io[stream.fd].sent;
  CHECK(count_of(sent, "data: x") == (known ? 1 : 3));
  CHECK(count_of(sent, "unknown-id") == (known ? 0 : 1));
}

TEST_CASE("last=N of several topics is exact in one part and in many") {
  WorkerOptions options;
  options.owed_events_max = GENERATE(8U, 1'024U);  // At most 4 events per part, or all at once.
  options.ring_frames_max = 1'024;
  WorkerFixture f({}, options);
  std::vector<std::string> topics(6, "a");
  topics.insert(topics.end(), 20, "b.1");
  topics.insert(topics.end(), 20, "c");
  f.publish(topics);
  f.run();
  ResumePlan plan;
  plan.kind = ResumePlan::Kind::replay;
  plan.from = ReplayFrom::last;
  plan.last_count = 5;
  const auto literals = f.open({"a", "b.1", "d", "c"}, plan);
  const auto pattern = f.open({"b.*", "a", ">"}, plan);
  f.run();
  // Both streams want these events, published during the replay.
  f.publish({"b.1", "e", "d"});
  f.run();
  f.answer_all();
  const auto ids = [&](const auto& stream) {
    std::vector<std::uint64_t> found;
    for (std::uint64_t x = 1; x <= f.head; ++x) {
      for (auto n = count_of(f.io[stream.fd].sent, "id: " + f.id(x) + "\ndata: x"); n > 0; --n) {
        found.push_back(x);
      }
    }
    return found;
  };
  // This stream asks after the last three were published, so these are the newest.
  CHECK(ids(literals) == Sequences{2, 3, 4, 5, 6, 23, 24, 25, 26, 42, 43, 44, 45, 46, 47, 49});
  CHECK(ids(pattern).front() == 2);
  CHECK(f.state(literals) == StreamState::live);
  CHECK(f.state(pattern) == StreamState::live);
  CHECK(count_of(f.io[literals.fd].sent, "crier.gap") == 0);
}

TEST_CASE("a gap never resumes before the gap that was told before it") {
  WorkerOptions options;
  options.ring_bytes_max = 8;
  TopicClass global;
  global.history.events_max = 1;
  WorkerFixture f(global, options);
  f.publish({"a", "b", "b", "a", "b", "b"});  // The log retains 4 and 6.
  f.run();
  const std::string from = f.id(0);
  const auto stream = f.open({"a"}, plan_resume(from, f.log.epoch(), f.head));
  f.run();
  f.take_sent(stream);
  REQUIRE(f.requests.size() == 1);
  ReplayAnswer answer = f.log.replay(f.requests.front(), f.now);
  f.requests.pop_front();
  REQUIRE(answer.gap.has_value());
  CHECK(answer.gap->resumed_at == 1);
  std::string gap;
  append_gap_event(gap, *answer.gap, f.log.epoch());
  f.io[stream.fd].room = gap.size();  // The gap is sent, the event after it is not.
  f.worker->take_answer(std::move(answer), f.now);
  f.run();
  f.unblock(stream);
  REQUIRE(f.requests.size() == 1);
  CHECK(f.requests.front().after == 1);
  f.answer_all();
  CHECK(count_of(f.io[stream.fd].sent, "crier.gap") == 1);
  CHECK(f.state(stream) == StreamState::live);
}

TEST_CASE("a loss is told once, also to a stream that falls behind right after its replay") {
  TopicClass global;
  global.history.events_max = 2;
  TopicClass kept;
  kept.match = "kept";
  WorkerOptions options;
  options.owed_events_max = 8;
  WorkerFixture f(global, options, {kept});
  f.publish({"kept", "lost", "lost", "lost", "lost"});
  f.run();
  const std::string from = f.id(0);
  const auto stream = f.open({"kept", "lost"}, plan_resume(from, f.log.epoch(), f.head));
  f.run();
  f.io[stream.fd].room = 0;
  f.answer_all();
  REQUIRE(f.state(stream) == StreamState::owing);
  f.publish(std::vector<std::string>(20, "kept"));
  f.run();
  REQUIRE(f.state(stream) == StreamState::replaying);
  f.unblock(stream);
  f.answer_all();
  const std::string& sent = f.io[stream.fd].sent;
  CHECK(count_of(sent, "data: x") == 23);
  CHECK(count_of(sent, "crier.gap") == 1);
  CHECK(count_of(sent, "\"missed\":2") == 1);
}

TEST_CASE("streams of unknown address do not wait for one another") {
  WorkerFixture f;
  f.publish({"a", "a"});
  const std::string from = f.id(1);
  for (int i = 0; i < 3; ++i) f.open({"a"}, plan_resume(from, f.log.epoch(), 2));
  f.run();
  CHECK(f.requests.size() == 3);
}

TEST_CASE("a loss of a replaying stream between two answers is an overflow") {
  WorkerOptions options;
  options.owed_bytes_max = 1;  // One event per answer.
  TopicClass global;
  global.history.events_max = 3;
  WorkerFixture f(global, options);
  f.publish({"a", "a", "a"});
  f.run();
  const std::string from = f.id(1);
  const auto stream = f.open({"a"}, plan_resume(from, f.log.epoch(), 3));
  f.run();
  REQUIRE(f.requests.size() == 1);
  f.worker->take_answer(f.log.replay(f.requests.front(), f.now), f.now);
  f.requests.pop_front();
  f.publish({"a", "a", "a", "a"});
  f.run();
  f.answer_all();
  const std::string& sent = f.io[stream.fd].sent;
  CHECK(count_of(sent, "crier.gap") == 1);
  CHECK(count_of(sent, "\"reason\":\"overflow\"") == 1);
  CHECK(count_of(sent, "data: x") == 4);  // 2, then 5, 6 and 7.
  CHECK(f.state(stream) == StreamState::live);
}

TEST_CASE("streams ask in order even if the log has no room for their requests") {
  WorkerFixture f;
  f.publish({"a", "a"});
  f.run();
  f.requests_max = 1;
  const std::string from = f.id(1);
  std::vector<WorkerFixture::Opened> streams;
  for (int i = 0; i < 4; ++i) streams.push_back(f.open({"a"}, plan_resume(from, f.log.epoch(), 2)));
  for (const auto& stream : streams) {
    f.run();
    REQUIRE(f.requests.size() == 1);
    CHECK(f.requests.front().generation == stream.token.generation);
    const ReplayRequest request = std::move(f.requests.front());
    f.requests.pop_front();
    f.worker->take_answer(f.log.replay(request, f.now), f.now);
  }
  f.run();
  for (const auto& stream : streams) CHECK(f.state(stream) == StreamState::live);
}

TEST_CASE("events that the worker was never fed come from the history or are announced") {
  TopicClass global;
  global.history.events_max = GENERATE(2U, 100U);
  WorkerFixture f(global);
  const auto single = f.open({"a"});
  const auto multi = f.open({"a", "b"});
  const auto pattern = f.open({"b", "*"});
  const auto untouched = f.open({"c"});
  for (int i = 0; i < 5; ++i) {
    append(f.log, {.topic = "a", .data = "x"}, f.now, &f.account);
  }
  f.head = f.log.head();
  const bool named = GENERATE(true, false);
  LostEvents lost{1, 5, std::nullopt};
  if (named) lost.topics = {"a"};
  f.worker->take_lost(lost);
  CHECK(!f.worker->wants_input());
  f.run();
  CHECK(f.worker->wants_input());
  CHECK(f.asked == (named ? 3 : 4));
  f.answer_all();
  const std::size_t kept = std::min(5U, global.history.events_max);
  for (const auto& stream : {single, multi}) {
    CHECK(count_of(f.io[stream.fd].sent, "data: x") == kept);
    CHECK(count_of(f.io[stream.fd].sent, "\"missed\":3") == (kept < 5 ? 1 : 0));
  }
  CHECK(count_of(f.io[pattern.fd].sent, "data: x") == kept);
  CHECK(count_of(f.io[pattern.fd].sent, "crier.gap") == (kept < 5 ? 1 : 0));
  CHECK(count_of(f.io[untouched.fd].sent, "crier.gap") == 0);
  for (const auto& stream : {single, multi, pattern, untouched}) {
    CHECK(f.state(stream) == StreamState::live);
  }
}

TEST_CASE("a loss of topics that no stream wants changes nothing") {
  WorkerFixture f;
  const auto stream = f.open({"a"});
  append(f.log, {.topic = "b", .data = "x"}, f.now, &f.account);
  f.head = f.log.head();
  f.worker->take_lost({1, 1, std::vector<std::string>{"b"}});
  CHECK(f.worker->wants_input());
  f.publish({"a"});
  f.run();
  CHECK(f.asked == 0);
  CHECK(count_of(f.io[stream.fd].sent, "data: x") == 1);
}

// Opens a resuming stream of a client at this address.
WorkerFixture::Opened resume_from(WorkerFixture& f, std::uint64_t address) {
  ResumePlan plan;
  plan.kind = ResumePlan::Kind::replay;
  plan.from = ReplayFrom::earliest;
  f.address_hash = address;
  return f.open({"a"}, plan);
}

void answer_round(WorkerFixture& f) {
  for (std::size_t left = f.requests.size(); left > 0; --left) {
    f.worker->take_answer(f.log.replay(f.requests.front(), f.now), f.now);
    f.requests.pop_front();
  }
  f.run();
}

TEST_CASE("many streams resume in the same number of round trips from one address or from many") {
  const auto rounds = [](std::uint64_t addresses) {
    WorkerFixture f;
    f.publish({"a"});
    f.run();
    for (std::uint64_t i = 0; i < 10'000; ++i) resume_from(f, 1 + i % addresses);
    f.run();
    std::size_t count = 0;
    for (; !f.requests.empty(); ++count) answer_round(f);
    CHECK(f.stats.streams_owing.read() == 0);
    CHECK(f.stats.events_delivered.read() == 10'000);
    return count;
  };
  CHECK(rounds(1) <= 2 * rounds(200));
}

TEST_CASE("many replays of one client do not hold up another client") {
  WorkerFixture f;
  f.publish({"a"});
  f.run();
  for (int i = 0; i < 5'000; ++i) resume_from(f, 1);
  f.run();
  answer_round(f);
  const auto other = resume_from(f, 2);
  f.run();
  answer_round(f);
  answer_round(f);
  CHECK(f.state(other) == StreamState::live);
  CHECK(f.stats.streams_owing.read() > 4'000);
}

TEST_CASE("a stream that is paced through the history is not silent until its bucket is full") {
  TopicClass global;
  global.bytes_rate = {.per_second = 10'000, .burst = 1'000'000};
  WorkerOptions options;
  options.owed_events_max = 4;
  WorkerFixture f(global, options);
  const auto stream = f.open({"a"});
  for (int i = 0; i < 120; ++i) f.publish({"a"}, std::string(10'000, 'x'));
  f.run();
  const std::size_t at_once = count_of(f.take_sent(stream), "data: x");
  CHECK(at_once >= 95);
  CHECK(at_once < 100);
  for (int i = 0; i < 250; ++i) {  // 5 s.
    f.now.us += 20'000;
    f.worker->revisit();
    f.run();
    f.answer_all();
  }
  const std::size_t later = count_of(f.take_sent(stream), "data: x");
  CHECK(later >= 3);
  CHECK(later <= 5);
}

}  // namespace crier::broadcast
