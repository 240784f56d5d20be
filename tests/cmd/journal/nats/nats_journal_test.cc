// Nodes on a real nats-server.
#include "cmd/journal/nats/nats_journal.h"

#include <algorithm>

#include "tests/cmd/journal/nats/nats_node_support.h"

namespace crier::cmd {
namespace {

using broadcast::JournalFailure;
using broadcast::KeyUse;
using tests::NatsServer;
using Sequences = std::vector<std::uint64_t>;

KeyUse use(std::uint64_t key, std::uint64_t content, std::uint32_t first = 0,
           std::uint32_t count = 1) {
  return {{.low = key, .high = 7}, {.low = content, .high = 9}, first, count};
}

std::vector<std::string> data_of(const std::vector<NatsNode::Seen>& events) {
  std::vector<std::string> data;
  for (const auto& event : events) data.push_back(event.data);
  return data;
}

}  // namespace

TEST_CASE("what a node has published is in the stream after a restart", "[nats]") {
  const NatsServer server;
  NatsNode node(nats_options(server));
  const Epoch epoch = node.epoch();
  CHECK(node.head == 0);
  CHECK(node.publish({"one"}).sequences == Sequences{1});
  CHECK(node.publish({"two", "three"}, "other.topic").sequences == Sequences{2, 3});
  CHECK(data_of(node.events) == std::vector<std::string>{"one", "two", "three"});

  const auto events = node.events;
  node.restart();
  CHECK(node.epoch() == epoch);
  CHECK(node.events == events);
  CHECK(node.loaded == 3);
  CHECK(node.head == 3);
  CHECK(node.holes.empty());
  CHECK(node.publish({"four"}).sequences == Sequences{4});
}

TEST_CASE("many groups are answered in their order", "[nats]") {
  const NatsServer server;
  NatsNode node(nats_options(server));
  for (int i = 0; i < 2'000; ++i) {
    node.append(std::vector<std::string>(1 + static_cast<std::size_t>(i % 3), std::to_string(i)));
  }
  node.until([&] { return node.answers.size() == 2'000; });
  std::uint64_t next = 1;
  for (const auto& answer : node.answers) {
    REQUIRE_FALSE(answer.failure);
    for (const std::uint64_t sequence : answer.sequences) REQUIRE(sequence == next++);
  }
  CHECK(node.events.size() == next - 1);
}

TEST_CASE("two nodes have one order, one epoch and one set of keys", "[nats]") {
  const NatsServer server;
  NatsNode a(nats_options(server));
  NatsNode b(nats_options(server));
  CHECK(a.epoch() == b.epoch());
  CHECK(a.journal().identity().topic_key.k0 == b.journal().identity().topic_key.k0);
  CHECK(a.journal().identity().idempotency_key.k1 == b.journal().identity().idempotency_key.k1);
  for (int i = 0; i < 100; ++i) {
    a.append({"a" + std::to_string(i)});
    b.append({"b" + std::to_string(i)});
    if (i % 10 == 0) a.until([&] { return a.answers.size() > static_cast<std::size_t>(i / 2); });
    b.journal().flush();
  }
  a.until([&] { return a.events.size() == 200; });
  b.until([&] { return b.events.size() == 200; });
  CHECK(a.events == b.events);
}

TEST_CASE("a key that another node has used publishes nothing again", "[nats]") {
  const NatsServer server;
  NatsNode a(nats_options(server));
  NatsNode b(nats_options(server));
  CHECK(a.publish({"x"}, "t", {use(1, 1)}).sequences == Sequences{1});
  CHECK(b.publish({"x"}, "t", {use(1, 1)}).sequences == Sequences{1});

  // Other content is a conflict.
  const auto conflict = b.publish({"first", "y"}, "t", {use(2, 2), use(1, 5, 1)});
  REQUIRE(conflict.failure);
  CHECK(conflict.failure->why == JournalFailure::key_reused);
  CHECK(conflict.failure->taken == 1);

  // A key of several events, of which a part was there, as if the first node had been cut off.
  REQUIRE(a.publish({"1"}, "t", {{use(3, 3).key, use(3, 3).content, 0, 1}}).sequences ==
          Sequences{3});
  CHECK(a.publish({"1", "2"}, "t", {use(4, 4, 0, 2)}).sequences == Sequences{4, 5});
  CHECK(b.publish({"1", "2"}, "t", {use(4, 4, 0, 2)}).sequences == Sequences{4, 5});
  b.restart();
  const auto key = std::ranges::find(b.keys, use(4, 4).key, &NatsNode::Key::key);
  REQUIRE(key != b.keys.end());
  CHECK(key->answer == broadcast::FirstAnswer{4, 5, 2});

  // Nobody has the event any more.
  Operator(server).remove(1);
  const auto forgotten = b.publish({"x"}, "t", {use(1, 1)});
  REQUIRE(forgotten.failure);
  CHECK(forgotten.failure->why == JournalFailure::answer_lost);
  CHECK(forgotten.failure->taken == 0);
}

TEST_CASE("names, other programs' messages, and messages that are no events", "[nats]") {
  const NatsServer server;
  NatsNode node(nats_options(server));
  Operator other(server);
  other.publish("crier.plain", "from elsewhere");
  other.publish("crier.bad!", "x");
  other.publish("crier.t", std::string_view("a\0b", 3));
  const broadcast::PublishEvent named{
      {.topic = "t", .data = "", .name = " spaces \xc3\xa4 "}, {}, 0};
  CHECK_FALSE(node.journal().append({{&named, 1}, {}, net::Loop::now()}).has_value());
  node.until([&] { return node.answers.size() == 1; });
  const std::vector<NatsNode::Seen> expected = {{"plain", "from elsewhere", "", 1},
                                                {"t", "", " spaces \xc3\xa4 ", 4}};
  CHECK(node.events == expected);
  CHECK(node.journal().stats().foreign.read() == 2);
  node.restart();
  CHECK(node.events == expected);
  CHECK(node.head == 4);
  CHECK(node.holes.empty());
}

TEST_CASE("while the server is away groups fail at once, and afterwards all goes on", "[nats]") {
  NatsServer server;
  NatsNode node(nats_options(server));
  CHECK(node.publish({"before"}).sequences == Sequences{1});
  server.kill();
  node.until([&] { return node.journal().failing().has_value(); });
  CHECK_FALSE(node.append({"away"}));
  CHECK(node.answers.back().failure->why == JournalFailure::unavailable);
  server.start();
  node.until([&] { return !node.journal().failing(); });
  CHECK(node.publish({"after"}).sequences == Sequences{2});
  CHECK(data_of(node.events) == std::vector<std::string>{"before", "after"});
  CHECK(node.lost == 0);
}

TEST_CASE("a stream that is another one is told once", "[nats]") {
  const NatsServer server;
  NatsNode node(nats_options(server));
  const Epoch epoch = node.epoch();
  node.publish({"one"});
  node.publish({"two"});
  Operator other(server);
  SECTION("deleted") {
    other.delete_stream();
  }
  SECTION("made anew as it was") {
    other.make_anew();
  }
  node.until([&] { return node.lost == 1; });
  CHECK_FALSE(node.append({"three"}));
  CHECK(node.answers.back().failure->why == JournalFailure::unavailable);
  node.restart();
  CHECK(node.epoch() != epoch);
  CHECK(node.events.empty());
  CHECK(node.publish({"three"}).sequences == Sequences{1});
}

TEST_CASE("a server that has gone back to older files has a new epoch", "[nats]") {
  NatsServer server;
  NatsNode node(nats_options(server));
  const Epoch epoch = node.epoch();
  node.publish({"one"});
  server.kill();
  server.save();
  server.start();
  node.until([&] { return !node.journal().failing() && node.journal().stats().away.read() >= 1; });
  node.publish({"two", "three"});
  server.kill();
  server.go_back();
  const bool grows_again = GENERATE(false, true);
  if (grows_again) {  // Another program is faster than the node's first look.
    NatsServer::OnOtherPort other(server);
    Operator client(other.address());
    for (const char* data : {"x", "y", "z"}) client.publish("crier.t", data);
  }
  server.start();
  node.until([&] { return node.lost == 1; });
  node.restart();
  CHECK(node.epoch() != epoch);
  CHECK(node.events.front().data == "one");
  CHECK(node.publish({"new"}).sequences == Sequences{grows_again ? 5U : 2U});
}

TEST_CASE("a server that ends and comes back under load loses nothing that was answered",
          "[nats]") {
  NatsServer server;
  NatsNode node(nats_options(server));
  NatsNode other(nats_options(server));
  std::vector<std::string> sent;
  const auto publish = [&] {
    if (!node.append({std::to_string(sent.size())})) return false;
    sent.push_back(std::to_string(sent.size()));
    return true;
  };
  std::size_t refused = 0;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) publish();
    const std::size_t answered = node.answers.size() + (round == 1 ? 50 : 0);
    node.until([&] { return node.answers.size() >= answered; });
    server.kill();
    node.until([&] {
      if (!publish()) ++refused;
      return node.journal().failing().has_value();
    });
    server.start();
    node.until([&] { return !node.journal().failing(); });
  }
  // An answer of a refused group came at once; the others are in order, and those of which nothing
  // is known are answered when a later one has come.
  CHECK(node.append({"last"}));
  node.until([&] { return node.answers.size() == sent.size() + refused + 1; });
  CHECK(node.answers.back().sequences.size() == 1);
  other.until([&] { return !other.events.empty() && other.events.back().data == "last"; });
  CHECK(node.events == other.events);
  std::size_t lost = 0;
  for (const auto& answer : node.answers) {
    if (answer.failure) continue;
    const auto seen =
        std::ranges::find(node.events, answer.sequences.front(), &NatsNode::Seen::sequence);
    if (seen == node.events.end()) ++lost;
  }
  CHECK(lost == 0);
  node.restart();
  CHECK(node.events == other.events);
  std::vector<std::string> data = data_of(node.events);
  std::ranges::sort(data);
  CHECK(std::ranges::adjacent_find(data) == data.end());
}

TEST_CASE("a server that hangs is away after a while, and is back", "[nats]") {
  NatsServer server;
  NatsJournalOptions options = nats_options(server);
  options.answer_ms = 300;
  NatsNode node(options);
  node.publish({"one"});
  server.pause();
  CHECK(node.publish({"two"}).failure->why == JournalFailure::unavailable);
  node.until([&] { return node.journal().failing().has_value(); });
  server.resume();
  node.until([&] { return !node.journal().failing(); });
  // It was sent, and is in the stream: an event like another node's.
  node.until([&] { return node.events.size() == 2; });
  CHECK(node.journal().stats().late.read() == 1);
  CHECK(node.publish({"three"}).sequences == Sequences{3});
  CHECK(node.lost == 0);
}

TEST_CASE("an epoch that another node has begun is told", "[nats]") {
  const NatsServer server;
  NatsNode node(nats_options(server));
  StreamDescription other{node.journal().identity(), {}};
  other.identity.epoch = Epoch::from_random(99);
  Operator(server).describe(text_of(other).c_str());
  node.until([&] { return node.lost == 1; });
  node.restart();
  CHECK(node.epoch() == other.identity.epoch);
}

TEST_CASE("what was removed from the stream is a hole for those who load it", "[nats]") {
  const NatsServer server;
  NatsNode node(nats_options(server));
  node.publish({"1", "2", "3", "4", "5", "6"});
  Operator other(server);
  other.purge_below(3);
  other.remove(4);
  other.remove(6);
  node.until([&] { return node.dropped_through == 2; });
  CHECK(node.lost == 0);
  NatsNode late(nats_options(server));
  CHECK(data_of(late.events) == std::vector<std::string>{"3", "5"});
  CHECK(late.holes == std::vector<std::uint64_t>{2, 4});
  CHECK(late.head == 6);
  CHECK(late.publish({"7"}).sequences == Sequences{7});
  node.until([&] { return node.events.size() == 7; });
  CHECK(node.lost == 0);
}

TEST_CASE("a stream that crier cannot use is refused with a sentence", "[nats]") {
  const NatsServer server;
  NatsJournalOptions options = nats_options(server);
  SilentLog log;
  net::Loop loop;
  const auto error = [&] {
    auto opened = NatsJournal::open(options, {loop, log, [] {}});
    return opened ? std::string("opened") : opened.error().detail;
  };
  {
    NatsNode node(options);
  }
  CHECK(error() == "opened");
  options.event_bytes_max = 2 << 20;
  CHECK(error().find("raise its max_payload") != std::string::npos);
  options = nats_options(server);
  options.stream.prefix = "other";
  CHECK(error() ==
        "The stream crier has the subjects [\"crier.>\"], not other.>. Set nats.prefix as "
        "on the other nodes.");
  options = nats_options(server);
  Operator(server).describe("crier 2 something else");
  CHECK(error().find("newer version of crier") != std::string::npos);
  Operator(server).describe("mine");
  CHECK(error().find("was not made by crier") != std::string::npos);
  options.servers = {"nats://127.0.0.1:1"};
  CHECK(error().find("Cannot connect to NATS at nats://127.0.0.1:1") == 0);
}

}  // namespace crier::cmd
