#include "broadcast/streams/fanout.h"

#include "core/random.h"
#include "core/turn_limits.h"
#include "tests/broadcast/streams/worker_fixture.h"

namespace crier::broadcast {

// Returns all patterns without `>` that match a topic of so many tokens `a`.
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

TEST_CASE("a slice serves the same number of streams, of one topic or of many") {
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
  CHECK(f.stats.events_delivered.read() == topics.size());
  CHECK_FALSE(f.worker->unfinished());
}

TEST_CASE("a group that no stream wants any more counts towards a slice") {
  WorkerOptions options;
  options.topics_max = 5'000;
  WorkerFixture f({}, options);
  std::vector<WorkerFixture::Opened> leaving;
  for (std::size_t i = 0; i < 3 * kGroupSlice; ++i) {
    const std::string topic = "t" + std::to_string(i);
    leaving.push_back(f.open({topic}));
    f.publish({topic});
  }
  for (const auto& stream : leaving) f.worker->on_peer_closed(stream.token);
  f.worker->finish_turn(f.now);
  std::size_t runs = 0;
  for (; f.worker->unfinished(); ++runs) f.worker->run(f.now);
  CHECK(runs >= 3);
  CHECK(runs <= 4);
}

TEST_CASE("streams that join, leave and resume between two slices get each event once") {
  Random random(GENERATE(range(1U, 21U)));
  const bool multi = GENERATE(false, true);
  WorkerFixture f;
  const std::vector<std::string> subscriptions =
      multi ? std::vector<std::string>{"a", "b"} : std::vector<std::string>{"a"};
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

TEST_CASE("a stream with topics and patterns gets its events in order, each once") {
  WorkerFixture f;
  const auto other = f.open({"a", "b"});
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
  CHECK(f.ids_sent(other) == std::vector<std::uint64_t>{1, 3, 4, 5, 6, 7});
  CHECK(f.worker->subscribers("a") == 2);
  CHECK(f.worker->subscribers("*") == 1);
  CHECK(f.worker->consistent());
}

TEST_CASE("a topic does not wait for patterns, unless its stream has one") {
  WorkerOptions options;
  options.topics_max = 5'000;
  WorkerFixture f({}, options);
  const std::vector<std::string> patterns = patterns_of(10);
  f.open({patterns.begin(), patterns.end()});
  const auto plain = f.open({"one", "two"});
  const auto mixed = f.open({"one", "*"});
  std::vector<std::string> topics(100, "a.a.a.a.a.a.a.a.a.a");
  topics.insert(topics.end(), {"one", "two", "three"});
  f.publish(topics);
  f.worker->run(f.now);
  CHECK(f.ids_sent(plain) == std::vector<std::uint64_t>{101, 102});
  CHECK(f.ids_sent(mixed).empty());
  f.run();
  CHECK(f.ids_sent(plain) == std::vector<std::uint64_t>{101, 102});
  CHECK(f.ids_sent(mixed) == std::vector<std::uint64_t>{101, 102, 103});
}

TEST_CASE("events that many patterns match are pending within bounds, and matching continues") {
  WorkerOptions options;
  options.topics_max = 5'000;
  WorkerFixture f({}, options);
  const std::vector<std::string> patterns = patterns_of(7);
  const auto stream = f.open({patterns.begin(), patterns.end()});
  for (int i = 0; i < 20; ++i) f.open({patterns.begin(), patterns.end()});
  const std::uint64_t published = 100;
  f.publish(std::vector<std::string>(published, "a.a.a.a.a.a.a"), std::string(10'000, 'x'));
  std::size_t most = 0;
  while (f.worker->unfinished()) {
    f.worker->run(f.now);
    most = std::max(most, f.worker->pending_bytes());
  }
  CHECK(most <= 3 * kPendingBytesMax);
  CHECK(f.ids_sent(stream).size() == published);
  CHECK(f.worker->pending_bytes() == 0);
}

TEST_CASE("a stream with two topics is served during a broadcast to 15,000 like it") {
  WorkerOptions options;
  options.topics_max = 20'000;
  WorkerFixture f({}, options);
  const bool own_topic = GENERATE(false, true);
  for (int i = 0; i < 15'000; ++i) {
    f.open({own_topic ? "user." + std::to_string(i) : std::string("many"), "all"});
  }
  const auto lone = f.open({"one", "other"});
  const auto both = f.open({"mine", "all"});
  f.take_sent(lone);
  f.take_sent(both);
  f.publish({"all"});
  f.worker->run(f.now);
  f.publish({"one", "mine"});
  f.publish({"other"});
  std::size_t slices = 0;
  while (f.io[lone.fd].sent.empty() || f.io[both.fd].sent.empty()) {
    REQUIRE(++slices <= 2);
    f.worker->run(f.now);
  }
  // Earlier events of the stream's other topic were sent first.
  CHECK(f.ids_sent(both) == std::vector<std::uint64_t>{1, 3});
  f.run();
  CHECK(f.ids_sent(both) == std::vector<std::uint64_t>{1, 3});
  CHECK(f.ids_sent(lone) == std::vector<std::uint64_t>{2, 4});
  CHECK(f.stats.events_delivered.read() == 15'004);
}

TEST_CASE("many small groups and a broadcast do not hold up one another") {
  WorkerOptions options;
  options.topics_max = 20'000;
  WorkerFixture f({}, options);
  std::vector<std::string> users;
  for (int i = 0; i < 5'000; ++i) {
    users.push_back("user." + std::to_string(i));
    f.open({users.back()});
    f.open({"all"});
  }
  f.publish({"all"});
  f.publish(users);
  const std::size_t slices = 5'000 / kGroupSlice;
  for (std::size_t i = 0; i < slices; ++i) f.worker->run(f.now);
  const TopicIndex& topics = f.worker->topics();
  const auto served = [&](std::string_view topic) {
    std::size_t count = 0;
    for (const StreamIndex index : topics[*topics.find(topic)].streams()) {
      count += f.worker->streams()[index].events_sent;
    }
    return count;
  };
  CHECK(served("all") >= 5'000 * 4 / 10);
  CHECK(served("all") <= 5'000 * 6 / 10);
  f.run();
  CHECK(f.stats.events_delivered.read() == 10'000);
}

TEST_CASE("small groups with more than one write pending leave half of a slice to a broadcast") {
  WorkerFixture f;
  for (std::size_t i = 0; i < 500; ++i) f.open({"all"});
  std::vector<WorkerFixture::Opened> small;
  for (int i = 0; i < 64; ++i) small.push_back(f.open({"few"}));
  f.publish({"all"});
  const std::string data(200'000, 'x');
  for (int i = 0; i < 8; ++i) f.publish({"few"}, data);  // One segment each.
  for (std::uint64_t runs = 1; runs <= 4; ++runs) {
    f.worker->run(f.now);
    std::uint64_t few = 0;
    for (const auto& stream : small) few += f.worker->streams().find(stream.token)->events_sent;
    CHECK(few >= runs);  // Each write takes more than half of a slice.
    CHECK(f.stats.events_delivered.read() - few >= runs * kGroupSlice / 2);
  }
  f.run();
  CHECK(f.stats.events_delivered.read() == 500 + 64 * 8);
}

TEST_CASE("streams with several topics share joined bytes") {
  WorkerFixture f;
  std::vector<WorkerFixture::Opened> streams;
  for (int i = 0; i < 100; ++i) {
    streams.push_back(i % 2 == 0 ? f.open({"a", "b"}, {}, Framing::chunked) : f.open({"b", "a"}));
  }
  const std::size_t writes = f.io.total_writes();
  const std::size_t pieces = f.io.total_pieces();
  std::vector<std::string> topics;
  for (int i = 0; i < 100; ++i) topics.insert(topics.end(), {"a", "b"});
  f.publish(topics);
  f.run();
  CHECK(f.io.total_writes() - writes <= 103);  // The first stream of a set is sent pieces.
  CHECK(f.io.total_pieces() - pieces <= 99 + 200);
  for (const auto& stream : streams) CHECK(f.ids_sent(stream).size() == 200);
}

TEST_CASE("a merged visit sends the whole segment being served, even beyond one write") {
  WorkerFixture f;
  std::vector<WorkerFixture::Opened> streams;
  for (int i = 0; i < 100; ++i) streams.push_back(f.open({"big", "small"}));
  const std::string data(60'000, 'x');
  for (int i = 0; i < 20; ++i) f.publish({"big"}, data);  // More than one write sends.
  f.publish({"small"});
  for (int i = 0; i < 5; ++i) f.publish({"big"}, data);
  f.run();
  for (const auto& stream : streams) {
    const auto ids = f.ids_sent(stream);
    REQUIRE(ids.size() == 26);
    REQUIRE(std::ranges::is_sorted(ids));
  }
}

TEST_CASE("events that no stream wants are not kept, and pending ones are bounded") {
  WorkerOptions options;
  options.topics_max = 5'000;
  WorkerFixture f(TopicClass{.history = {.events_max = 0}}, options);
  const bool pattern = GENERATE(false, true);
  // Few streams, because the test keeps all that is sent.
  for (int i = 0; i < 3; ++i) f.open({"a", "b"});
  if (pattern) f.open({"c.*", "d"});
  const std::string data(60'000, 'x');
  const std::uint64_t before = f.account.bytes;
  for (int i = 0; i < 100; ++i) {
    f.publish({"elsewhere"}, data);
    if (pattern) f.worker->run(f.now);
  }
  CHECK(f.account.bytes == before);
  std::size_t published = 0;
  for (; f.worker->wants_input(); ++published) {
    REQUIRE(published < 1'000);
    f.publish({published % 2 == 0 ? "a" : "b"}, data);
  }
  CHECK(f.account.bytes <= kPendingBytesMax + data.size() * 2);
  f.run();
  CHECK(f.account.bytes == before);
  CHECK(f.worker->wants_input());
}

TEST_CASE("many events for many streams take one write per stream") {
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
  CHECK(count_of(f.io[wide.fd].sent, "data: x") < 100);
  f.run();
  CHECK(count_of(f.io[wide.fd].sent, "data: x") == 100);
}

TEST_CASE("new patterns beyond their cap are refused, known ones are not") {
  WorkerOptions options;
  options.patterns_max = 2;
  WorkerFixture f({}, options);
  const auto first = f.open({"a.*", "b.>"});
  const auto start = [&](const std::vector<std::string_view>& topics) {
    const std::vector<Selector> subscriptions = selectors(topics);
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

TEST_CASE("a topic's lists give back memory when many streams leave") {
  WorkerFixture f;
  const bool multi = GENERATE(false, true);
  std::vector<WorkerFixture::Opened> streams;
  for (int i = 0; i < 1'000; ++i) {
    streams.push_back(multi ? f.open({"a", "b"}) : f.open({"a"}));
  }
  const auto capacity = [&] {
    const TopicEntry& row = f.worker->topics()[*f.worker->topics().find("a")];
    return row.capacity;
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
