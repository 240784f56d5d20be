#include "broadcast/streams/delivery.h"

#include "tests/broadcast/streams/worker_fixture.h"

namespace crier::broadcast {
namespace {

WorkerOptions small_rings(std::uint32_t owed_events_max) {
  WorkerOptions options;
  options.owed_events_max = owed_events_max;
  return options;
}

std::string wire_of(const WorkerFixture& f, Framing framing, std::uint64_t after) {
  std::string wire;
  for (const FrameRef& frame : f.log.frames_after(after, 1'000, 1 << 20).frames) {
    wire += frame->wire(framing);
  }
  return wire;
}

}  // namespace

TEST_CASE("delivery resumes at the byte where the kernel stopped") {
  const Framing framing = GENERATE(Framing::plain, Framing::chunked);
  const std::size_t batches = GENERATE(std::size_t{1}, std::size_t{3});
  std::size_t size = 1;
  for (std::size_t cut = 0; cut < size; ++cut) {
    INFO("the kernel takes " << cut << " bytes first");
    WorkerFixture f;
    const auto stream = f.open({"a"}, {}, framing);
    f.take_sent(stream);
    f.io[stream.fd].room = cut;
    for (std::size_t i = 0; i < batches; ++i) {
      f.publish(batches == 1 ? std::vector<std::string>{"a", "b", "a", "a"}
                             : std::vector<std::string>{"a"},
                "line\nother line");
      f.run();
    }
    const std::string whole = [&] {
      std::string wire;
      for (const FrameRef& frame : f.log.frames_after(0, 100, 1 << 20).frames) {
        if (frame->topic() == "a") wire += frame->wire(framing);
      }
      return wire;
    }();
    size = whole.size();
    CHECK(f.state(stream) == StreamState::owing);
    CHECK(f.io[stream.fd].sent == whole.substr(0, cut));
    f.unblock(stream);
    CHECK(f.io[stream.fd].sent == whole);
    CHECK(f.state(stream) == StreamState::live);
    CHECK(f.stats.queue_bytes.read() == 0);
    CHECK(f.stats.events_delivered.read() == 3);
    CHECK(f.worker->streams().owing_count() == 0);
    CHECK(f.worker->streams().ring_bytes() == 0);
  }
}

TEST_CASE("crier.end is completed from any byte where the kernel stopped") {
  const bool behind = GENERATE(false, true);
  const std::size_t cut = GENERATE(range(std::size_t{0}, std::size_t{60}));
  WorkerFixture f;
  const auto stream = f.open({"a"}, {}, Framing::chunked);
  f.io[stream.fd].room = cut;
  if (behind) f.publish({"a"});
  f.run();
  f.worker->begin_drain(0, f.now);
  f.run();
  REQUIRE(f.ended.empty());
  f.unblock(stream);
  CHECK(f.ended == std::vector{EndReason::drained});
  CHECK(count_of(f.io[stream.fd].sent, "crier.end") == 1);
  CHECK(f.io[stream.fd].sent.ends_with("\r\n0\r\n\r\n"));
  CHECK(count_of(f.io[stream.fd].sent, "data: x\n") == (behind ? 1 : 0));
}

TEST_CASE("events that drop-oldest dropped are counted in a gap before the next event") {
  WorkerFixture f(with_policy(OverflowPolicy::drop_oldest), small_rings(8));
  const auto stream = f.open({"a"});
  f.take_sent(stream);
  f.io[stream.fd].room = 5;  // A part of the first event, which is therefore kept.
  for (int i = 0; i < 12; ++i) f.publish({"a"});
  f.run();
  f.unblock(stream);
  const std::string expected_gap =
      "id: " + f.id(5) +
      "\nevent: crier.gap\ndata: {\"reason\":\"overflow\",\"missed\":4,"
      "\"resumed_at\":\"" +
      f.id(5) + "\"}\n\n";
  const std::string all = wire_of(f, Framing::plain, 0);
  const std::size_t one = wire_of(f, Framing::plain, 11).size();
  CHECK(f.io[stream.fd].sent ==
        all.substr(0, one - 1) + expected_gap + wire_of(f, Framing::plain, 5));
  CHECK(f.stats.frames_dropped.read() == 4);
  CHECK(f.stats.queue_bytes.read() == 0);
}

TEST_CASE("a loss is announced before the next event, even when the slice is used up") {
  WorkerOptions options;
  options.owed_bytes_max = 10;
  WorkerFixture f(with_policy(OverflowPolicy::drop_oldest), options);
  const auto stream = f.open({"a"});
  f.take_sent(stream);
  f.io[stream.fd].room = 5;
  f.publish({"a"}, std::string(kWriteBytesMax, 'y'));
  f.publish({"a"}, "lost");
  f.run();
  f.io[stream.fd].room = ScriptedIo::kUnlimited;
  f.io[stream.fd].starved = true;
  f.worker->on_writable(stream.token, f.now);
  f.run();
  f.io[stream.fd].starved = false;
  f.publish({"a"}, "kept");
  // Sends the rest of the first event in the turn in which the last one arrives.
  f.worker->revisit();
  f.run();
  const std::string& sent = f.io[stream.fd].sent;
  REQUIRE(count_of(sent, "\"missed\":1,") == 1);
  REQUIRE(count_of(sent, "data: kept\n") == 1);
  CHECK(count_of(sent, "data: lost\n") == 0);
  CHECK(sent.find("crier.gap") < sent.find("data: kept\n"));
  CHECK(f.state(stream) == StreamState::live);
  CHECK(f.worker->consistent());
}

TEST_CASE("a loss that no event follows is announced before crier.end") {
  WorkerOptions options = small_rings(8);
  options.owed_bytes_max = 10;
  WorkerFixture f(with_policy(OverflowPolicy::drop_oldest), options);
  const auto stream = f.open({"a"});
  f.io[stream.fd].room = 5;
  f.publish({"a", "a", "a"});
  f.run();
  f.worker->begin_drain(0, f.now);
  f.run();
  f.unblock(stream);
  const std::string& sent = f.io[stream.fd].sent;
  REQUIRE(count_of(sent, "\"missed\":2") == 1);
  REQUIRE(count_of(sent, "crier.end") == 1);
  CHECK(sent.find("crier.gap") < sent.find("crier.end"));
  CHECK(f.ended == std::vector{EndReason::drained});
}

TEST_CASE("a stream with the policy disconnect gets the event it has begun and is told") {
  WorkerFixture f(with_policy(OverflowPolicy::disconnect), small_rings(8));
  const auto stream = f.open({"a"});
  f.take_sent(stream);
  f.io[stream.fd].room = 5;
  for (int i = 0; i < 12; ++i) f.publish({"a"});
  f.run();
  f.unblock(stream);
  CHECK(f.ended == std::vector{EndReason::overflow});
  const std::string all = wire_of(f, Framing::plain, 0);
  const std::string first = all.substr(0, all.find("\n\n") + 2);
  CHECK(f.io[stream.fd].sent.starts_with(first));
  CHECK(count_of(f.io[stream.fd].sent, "data: x") == 1);
  CHECK(f.io[stream.fd].sent.ends_with("data: {\"reason\":\"overflow\"}\n\n"));
}

TEST_CASE("a full ring is dropped and the stream continues from the history") {
  WorkerFixture f(with_policy(OverflowPolicy::catch_up), small_rings(64));
  const auto stream = f.open({"a"});
  f.take_sent(stream);
  f.io[stream.fd].room = 5;
  for (int i = 0; i < 80; ++i) f.publish({"a"});
  f.run();
  CHECK(f.state(stream) == StreamState::replaying);
  CHECK(f.requests.empty());  // The stream asks only when it takes bytes again.
  const StreamTable& streams = f.worker->streams();
  CHECK(streams.ring_bytes() == RingPool::kSmallest * sizeof(FrameRef));
  f.unblock(stream);
  f.answer_all();
  CHECK(f.io[stream.fd].sent == wire_of(f, Framing::plain, 0));
  CHECK(f.state(stream) == StreamState::live);
}

TEST_CASE("a stream with a rate waits without holding up others and gets everything") {
  TopicClass slow;
  slow.match = "slow";
  slow.rate = TokenRate::of(50, 2);
  WorkerFixture f(TopicClass(), WorkerOptions(), {slow});
  const auto paced = f.open({"slow"});
  const auto other = f.open({"fast"});
  for (int i = 0; i < 10; ++i) f.publish({"slow", "fast"});
  f.run();
  CHECK(count_of(f.io[other.fd].sent, "data: x") == 10);
  CHECK(count_of(f.io[paced.fd].sent, "data: x") == 2);
  std::size_t before = 2;
  for (int i = 0; i < 20 && f.worker->any_to_revisit(); ++i) {
    f.now.us += 20'000;
    f.worker->revisit();
    f.run();
    const std::size_t after = count_of(f.io[paced.fd].sent, "data: x");
    CHECK(after <= before + 1);
    before = after;
  }
  CHECK(before == 10);
  CHECK(f.state(paced) == StreamState::live);
  CHECK(f.asked == 0);
}

TEST_CASE("a client's own rate lowers that of its class, for its stream alone") {
  TopicClass row;
  row.match = "limited";
  row.rate = TokenRate::of(50, 6);
  WorkerFixture f(TopicClass(), WorkerOptions(), {row});
  struct Asked {
    std::string topic;
    std::uint32_t rate;
    std::size_t at_once;
    std::size_t after_a_second;
  };
  const std::vector<Asked> asked = {
      {"limited", 0, 6, 20}, {"limited", 100, 6, 20}, {"limited", 8, 6, 14},   {"limited", 4, 4, 8},
      {"other", 0, 20, 20},  {"other", 5, 5, 10},     {"other", 1'000, 20, 20}};
  for (int life = 0; life < 2; ++life) {  // A slot keeps nothing for its next stream.
    std::vector<WorkerFixture::Opened> streams;
    for (const Asked& one : asked) {
      f.rate = one.rate;
      streams.push_back(f.open({one.topic}));
      f.take_sent(streams.back());
    }
    const auto check = [&](std::size_t Asked::* events) {
      for (std::size_t i = 0; i < asked.size(); ++i) {
        INFO(asked[i].topic << " " << asked[i].rate);
        CHECK(count_of(f.io[streams[i].fd].sent, "data: x") == asked[i].*events);
      }
    };
    for (int i = 0; i < 20; ++i) f.publish({"limited", "other"});
    f.run();
    check(&Asked::at_once);
    for (int i = 0; i < 50; ++i) {
      f.now.us += 20'000;
      f.worker->revisit();
      f.run();
    }
    check(&Asked::after_a_second);
    for (const auto& stream : streams) f.worker->on_peer_closed(stream.token);
    f.worker->finish_turn(f.now);
    f.rate = 0;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const auto next = f.open({"other"});
      CHECK(f.worker->streams().own_limits(*f.worker->streams().find(next.token)) == OwnLimits());
      f.worker->on_peer_closed(next.token);
    }
    f.worker->finish_turn(f.now);
  }
}

TEST_CASE("a stream with a rate in bytes waits, and its wire bytes keep within it") {
  TopicClass slow;
  slow.match = "slow";
  slow.bytes_rate = {.per_second = 5'000, .burst = 300};
  WorkerFixture f(TopicClass(), WorkerOptions(), {slow});
  const Framing framing = GENERATE(Framing::plain, Framing::chunked);
  const auto paced = f.open({"slow"}, {}, framing);
  const auto other = f.open({"fast"});
  const Instant began = f.now;
  f.take_sent(paced);
  for (int i = 0; i < 10; ++i) f.publish({"slow", "fast"}, std::string(60, 'x'));
  f.run();
  CHECK(count_of(f.io[other.fd].sent, "data: x") == 10);
  CHECK(count_of(f.io[paced.fd].sent, "data: x") >= 2);
  while (f.worker->any_to_revisit()) {
    REQUIRE(f.io[paced.fd].sent.size() <= (f.now.us - began.us) * 5'000 / kSecond + 300);
    f.now.us += 20'000;
    f.worker->revisit();
    f.run();
  }
  CHECK(count_of(f.io[paced.fd].sent, "data: x") == 10);
  CHECK((f.now.us - began.us) < kSecond / 4);  // The rate is used up, too.
  CHECK(f.state(paced) == StreamState::live);
  CHECK(f.stats.blocked_by_rate.read() > 0);
}

TEST_CASE("a stream that waits for tokens gets heartbeats between its events, and its end") {
  TopicClass global;
  global.bytes_rate = {.per_second = 100, .burst = 10};
  WorkerOptions options;
  options.heartbeat_seconds = 1;
  WorkerFixture f(global, options);
  const auto stream = f.open({"a"}, {}, Framing::plain);
  f.take_sent(stream);
  const auto wait = [&](std::uint64_t seconds) {
    for (const Instant until{f.now.us + seconds * kSecond}; f.now < until; f.now.us += 50'000) {
      f.worker->tick(f.now);
      f.worker->revisit();
      f.run();
    }
    return f.take_sent(stream);
  };
  f.publish({"a", "a"}, std::string(400, 'x'));
  f.run();
  // The first event is above the burst, but the bucket was full. Its debt lasts for 4 s.
  const std::string first = f.take_sent(stream);
  CHECK(count_of(first, "data: x") == 1);
  const std::string quiet = wait(2);
  CHECK(quiet.starts_with(":\n"));
  CHECK(quiet.size() == 2 * count_of(quiet, ":\n"));
  f.io[stream.fd].room = GENERATE(0U, 1U);  // The next heartbeat is cut short.
  std::string second = wait(1);
  CHECK(second.size() <= 1);
  f.unblock(stream);
  second += wait(3);
  for (std::size_t at; (at = second.find(":\n")) != std::string::npos;) second.erase(at, 2);
  CHECK(second.size() == first.size());
  CHECK(second.starts_with("id: "));
  CHECK(count_of(second, "data: x") == 1);
  CHECK(f.state(stream) == StreamState::live);
  CHECK(f.stats.queue_bytes.read() == 0);

  f.publish({"a"}, std::string(400, 'x'));
  f.run();
  CHECK(f.state(stream) == StreamState::owing);
  CHECK(f.take_sent(stream).empty());
  f.worker->begin_drain(0, f.now);
  f.worker->finish_turn(f.now);
  const std::string last = f.take_sent(stream);
  CHECK(count_of(last, "data: x") == 1);
  CHECK(count_of(last, "event: crier.end") == 1);
}

TEST_CASE("without memory for a ring, a stream with a rate does not ask the log over and over") {
  TopicClass global;
  if (GENERATE(false, true)) {
    global.rate = TokenRate::of(5, 1);
  } else {
    global.bytes_rate = {.per_second = 200, .burst = 40};
  }
  WorkerOptions options;
  options.ring_bytes_max = 8;
  WorkerFixture f(global, options);
  const auto stream = f.open({"a"});
  f.publish({"a", "a", "a"});
  f.run();
  f.answer_all();
  CHECK(f.asked == 0);
  for (int i = 0; i < 100 && f.state(stream) != StreamState::live; ++i) {
    f.now.us += 20'000;
    f.worker->revisit();
    f.run();
    f.answer_all();
  }
  CHECK(f.state(stream) == StreamState::live);
  CHECK(count_of(f.io[stream.fd].sent, "data: x") == 3);
  CHECK(f.asked <= 4);  // Once for each event for which it has a token.
}

TEST_CASE("many streams whose tokens come at once do not hold up other streams") {
  constexpr std::size_t kCrowd = 3'000;
  TopicClass slow;
  slow.match = "slow";
  slow.rate = TokenRate::of(10, 1);
  WorkerFixture f(TopicClass(), WorkerOptions(), {slow});
  for (std::size_t i = 0; i < kCrowd; ++i) f.open({"slow"});
  const auto other = f.open({"fast"});
  f.publish({"slow", "slow"});
  f.run();
  REQUIRE(f.stats.events_delivered.read() == kCrowd);
  f.now.us += 100'000;
  const std::size_t before = f.io.total_writes();
  f.worker->revisit();
  CHECK(f.io.total_writes() == before);
  f.publish({"fast"});
  f.worker->run(f.now);
  CHECK(f.io.total_writes() - before <= 2 * kGroupSlice);
  CHECK(count_of(f.io[other.fd].sent, "data: x") == 1);
  f.run();
  CHECK(f.stats.events_delivered.read() == 2 * kCrowd + 1);
  CHECK(!f.worker->any_to_revisit());
}

}  // namespace crier::broadcast
