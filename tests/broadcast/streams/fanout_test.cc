#include "broadcast/streams/fanout.h"

#include "core/random.h"
#include "core/turn_limits.h"
#include "tests/broadcast/streams/worker_fixture.h"

namespace crier::broadcast {

TEST_CASE("a topic with one stream is served during a broadcast to 15,000") {
  WorkerFixture f;
  for (int i = 0; i < 15'000; ++i) f.open({"all"});
  const auto one = f.open({"one"});
  f.take_sent(one);
  f.publish({"all"});
  f.worker->run(f.now);
  f.publish({"one"});
  std::size_t slices = 0;
  while (f.io[one.fd].sent.empty()) {
    REQUIRE(++slices <= 2);
    f.worker->run(f.now);
  }
  CHECK(f.worker->unfinished());
  CHECK(f.stats.events_delivered.read() <= 3 * kGroupSlice + 1);
  f.run();
  CHECK(f.stats.events_delivered.read() == 15'001);
}

TEST_CASE("a slice is as many streams, of one topic or of many") {
  WorkerOptions options;
  options.topics_max = 5'000;
  WorkerFixture f({}, options);
  const bool multi = GENERATE(false, true);
  std::vector<std::string> topics;
  for (std::size_t i = 0; i < 4 * kGroupSlice; ++i) {
    topics.push_back("t" + std::to_string(i));
    multi ? f.open({topics.back(), "none"}) : f.open({topics.back()});
  }
  f.publish(topics);
  for (std::size_t runs = 1; runs <= 4; ++runs) {
    f.worker->run(f.now);
    CHECK(f.stats.events_delivered.read() <= runs * kGroupSlice);
  }
  if (multi) f.worker->run(f.now);  // Matching has its price.
  CHECK(f.stats.events_delivered.read() == topics.size());
  CHECK_FALSE(f.worker->unfinished());
}

TEST_CASE("what is not wanted any more, and what is matched for nobody, counts for a slice") {
  WorkerOptions options;
  options.topics_max = 5'000;
  WorkerFixture f({}, options);
  const bool multi = GENERATE(false, true);
  const std::size_t many = 3 * kGroupSlice;
  std::vector<WorkerFixture::Opened> leaving;
  for (std::size_t i = 0; i < many; ++i) {
    const std::string topic = "t" + std::to_string(i);
    if (!multi) leaving.push_back(f.open({topic}));
    if (!multi) f.publish({topic});
  }
  if (multi) leaving.push_back(f.open({"a", "b"}));
  for (std::size_t i = 0; multi && i < many; ++i) f.publish({"elsewhere"});
  for (const auto& stream : leaving) {
    if (!multi) f.worker->on_peer_closed(stream.token);
  }
  f.worker->finish_turn(f.now);
  std::size_t runs = 0;
  for (; f.worker->unfinished(); ++runs) f.worker->run(f.now);
  CHECK(runs >= 3);
  CHECK(runs <= 4);
}

TEST_CASE("streams that join, leave and come back between two slices get each event once") {
  Random random(GENERATE(range(1U, 21U)));
  const bool multi = GENERATE(false, true);
  WorkerFixture f;
  const std::vector<std::string_view> subscriptions =
      multi ? std::vector<std::string_view>{"a", "b"} : std::vector<std::string_view>{"a"};
  struct Member {
    WorkerFixture::Opened stream;
    std::uint64_t joined_at;
  };
  std::vector<Member> members;
  for (int i = 0; i < 700; ++i) members.push_back({f.open(subscriptions), f.head});
  for (int round = 0; round < 30; ++round) {
    if (random.between(0, 2) == 0) f.publish({"a"});
    f.worker->run(f.now);
    for (std::uint32_t i = random.between(0, 40); i > 0 && !members.empty(); --i) {
      std::swap(members[random.between(0, static_cast<std::uint32_t>(members.size()) - 1)],
                members.back());
      f.worker->on_peer_closed(members.back().stream.token);
      members.pop_back();
    }
    f.worker->finish_turn(f.now);
    for (std::uint32_t i = random.between(0, 40); i > 0; --i) {
      members.push_back({f.open(subscriptions), f.head});
    }
    CHECK(f.worker->consistent());
  }
  f.run();
  for (const Member& member : members) {
    REQUIRE(count_of(f.io[member.stream.fd].sent, "data: x") == f.head - member.joined_at);
  }
}

TEST_CASE("a stream with several topics gets its events in order, each once") {
  WorkerFixture f;
  const auto stream = f.open({"a", "b", "*", ">"});
  f.publish({"b", "c.d", "a", "b", "a"});
  f.publish({"a", "b"});
  f.run();
  std::size_t at = 0;
  for (std::uint64_t sequence = 1; sequence <= 7; ++sequence) {
    const std::size_t found = f.io[stream.fd].sent.find("id: " + f.id(sequence) + "\n");
    REQUIRE(found != std::string::npos);
    CHECK(found > at);
    at = found;
  }
  CHECK(count_of(f.io[stream.fd].sent, "data: x") == 7);
}

TEST_CASE("many events for many streams are written together, once a stream") {
  WorkerFixture f;
  std::vector<WorkerFixture::Opened> streams;
  for (int i = 0; i < 100; ++i) {
    streams.push_back(f.open({"a"}, {}, i % 2 == 0 ? Framing::plain : Framing::chunked));
  }
  const std::size_t before = f.io.total_writes();
  f.publish(std::vector<std::string>(200, "a"));
  f.run();
  CHECK(f.io.total_writes() - before == 100);
  for (const auto& stream : streams) {
    CHECK(count_of(f.io[stream.fd].sent, "data: x") == 200);
  }
}

// All patterns that match a topic of so many tokens `a` without `>`.
std::vector<std::string> patterns_of(std::size_t tokens) {
  std::vector<std::string> patterns;
  for (std::size_t bits = 1; bits < std::size_t{1} << tokens; ++bits) {
    std::string pattern;
    for (std::size_t i = 0; i < tokens; ++i) {
      pattern += (bits >> i & 1) != 0 ? ".*" : ".a";
    }
    patterns.push_back(pattern.substr(1));
  }
  return patterns;
}

TEST_CASE("a topic with one stream is served while many patterns are matched") {
  WorkerOptions options;
  options.topics_max = 5'000;
  WorkerFixture f({}, options);
  const std::vector<std::string> patterns = patterns_of(10);
  const auto wide = f.open({patterns.begin(), patterns.end()});
  const auto one = f.open({"one"});
  f.take_sent(wide);
  f.take_sent(one);
  f.publish(std::vector<std::string>(100, "a.a.a.a.a.a.a.a.a.a"));
  f.worker->run(f.now);
  f.publish({"one"});
  for (int i = 0; i < 3; ++i) f.worker->run(f.now);
  CHECK(count_of(f.io[one.fd].sent, "data: x") == 1);
  CHECK(f.io[wide.fd].sent.empty());
  f.run();
  CHECK(count_of(f.io[wide.fd].sent, "data: x") == 100);
}

TEST_CASE("patterns beyond their cap are refused, those that are known are not") {
  WorkerOptions options;
  options.patterns_max = 2;
  WorkerFixture f({}, options);
  const auto first = f.open({"a.*", "b.>"});
  const auto start = [&](std::vector<std::string_view> subscriptions) {
    const auto token = f.worker->reserve({}, f.now);
    REQUIRE(token.has_value());
    StartRequest request;
    request.connection = f.io.open();
    request.head = "H";
    request.subscriptions = subscriptions;
    return f.worker->start(*token, request, f.now);
  };
  CHECK(start({"a.*", "a.b", "c.*"}) == std::unexpected(Refused::patterns_max));
  CHECK(start({"a.*", "a.b"}).has_value());
  CHECK(start({"c.d"}).has_value());
  CHECK(f.worker->consistent());
  f.worker->on_peer_closed(first.token);
  f.worker->finish_turn(f.now);
  CHECK(start({"c.*"}).has_value());
  CHECK(start({"d.*"}) == std::unexpected(Refused::patterns_max));
}

TEST_CASE("a topic's lists give back what a crowd needed") {
  WorkerFixture f;
  const bool multi = GENERATE(false, true);
  std::vector<WorkerFixture::Opened> streams;
  for (int i = 0; i < 1'000; ++i) {
    streams.push_back(multi ? f.open({"a", "b"}) : f.open({"a"}));
  }
  const auto capacity = [&] {
    const TopicEntry& row = f.worker->topics()[*f.worker->topics().find("a")];
    return multi ? row.multis->capacity() : row.singles_capacity;
  };
  CHECK(capacity() >= 1'000);
  while (streams.size() > 3) {
    f.worker->on_peer_closed(streams.back().token);
    streams.pop_back();
    f.worker->finish_turn(f.now);
    REQUIRE(f.worker->consistent());
    REQUIRE(capacity() <= std::max<std::size_t>(16, streams.size() * 4));
  }
  f.publish({"a"});
  f.run();
  for (const auto& stream : streams) CHECK(count_of(f.io[stream.fd].sent, "data: x") == 1);
}

}  // namespace crier::broadcast
