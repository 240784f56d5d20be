// Answers to replay requests, case by case. log_model_test.cc tests the combinations.
#include "broadcast/log/replayer.h"

#include "tests/broadcast/log/log_support.h"

namespace crier::broadcast {
namespace {

// Events 1 to 4 and 7 are of topic a, 5 and 6 of b. Two are retained of each: a keeps 4 7, b keeps
// 5 6. Of the topics gone.* no event is retained.
struct ReplayFixture {
  Log log{log_options({.events_max = 2}, {topic_class("gone.*", {.events_max = 0})})};
  ReplayFixture() {
    for (const char* topic : {"a", "a", "a", "a", "b", "b", "a"}) publish(log, topic);
  }
  ReplayAnswer replay(const ReplayRequest& request) { return log.replay(request, Instant{}); }
};

struct Case {
  std::string name;
  std::vector<std::string> subscriptions;
  std::uint64_t after;
  Sequences frames;
  std::optional<std::uint64_t> resumed_at;  // Unset: no gap.
  std::optional<std::uint64_t> missed;
};

}  // namespace

TEST_CASE("a resume gets the retained events and is told of lost ones") {
  ReplayFixture f;
  const Case c = GENERATE(values<Case>({
      {"from before all", {"a"}, 0, {4, 7}, 3, 3},
      {"in the middle of what is gone", {"a"}, 1, {4, 7}, 3, std::nullopt},
      {"after what is gone", {"a"}, 3, {4, 7}, std::nullopt, std::nullopt},
      {"from an event of the topic", {"a"}, 4, {7}, std::nullopt, std::nullopt},
      {"from an event of another topic", {"a"}, 5, {7}, std::nullopt, std::nullopt},
      {"from the head", {"a"}, 7, {}, std::nullopt, std::nullopt},
      {"beyond the head", {"a"}, ~std::uint64_t{0}, {}, std::nullopt, std::nullopt},
      {"a topic without losses", {"b"}, 0, {5, 6}, std::nullopt, std::nullopt},
      {"a topic never published to", {"c"}, 0, {}, std::nullopt, std::nullopt},
      {"two topics, one with losses", {"a", "b"}, 0, {4, 5, 6, 7}, 3, 3},
      {"two topics, none after", {"a", "b"}, 4, {5, 6, 7}, std::nullopt, std::nullopt},
      {"a pattern", {"*"}, 0, {4, 5, 6, 7}, 3, std::nullopt},
      {"a pattern and one of its topics", {"*", "a"}, 4, {5, 6, 7}, std::nullopt, std::nullopt},
      {"a pattern that matches nothing", {"x.*"}, 0, {}, std::nullopt, std::nullopt},
  }));
  INFO(c.name);
  const ReplayAnswer answer = f.replay(ask(c.subscriptions, c.after));
  CHECK(sequences(answer.frames) == c.frames);
  CHECK(answer.through == 7);
  CHECK(answer.reached_head);
  CHECK(answer.position == std::min<std::uint64_t>(c.after, 7));
  REQUIRE(answer.gap.has_value() == c.resumed_at.has_value());
  if (!answer.gap) return;
  CHECK(answer.gap->reason == GapReason::evicted);
  CHECK(answer.gap->resumed_at == *c.resumed_at);
  CHECK(answer.gap->missed == c.missed);
}

TEST_CASE("a connected stream's loss is an overflow") {
  ReplayFixture f;
  ReplayRequest request = ask({"a"}, 1);
  request.connected = true;
  const ReplayAnswer answer = f.replay(request);
  REQUIRE(answer.gap);
  CHECK(answer.gap->reason == GapReason::overflow);
}

TEST_CASE("of each topic only the newest event, and a loss that it supersedes is no gap") {
  ReplayFixture f;
  for (const char* topic : {"gone.1", "gone.1", "gone.2"}) publish(f.log, topic);  // 8 9 10
  const Case c = GENERATE(values<Case>({
      {"from before all", {"a"}, 0, {7}, std::nullopt, std::nullopt},
      {"after its newest event", {"a"}, 7, {}, std::nullopt, std::nullopt},
      {"two topics", {"a", "b"}, 0, {6, 7}, std::nullopt, std::nullopt},
      {"two topics, one without a newer event", {"a", "b"}, 6, {7}, std::nullopt, std::nullopt},
      {"a pattern", {"*"}, 0, {6, 7}, std::nullopt, std::nullopt},
      {"a pattern and one of its topics", {"*", "a"}, 6, {7}, std::nullopt, std::nullopt},
      {"a topic that has lost all", {"gone.1"}, 0, {}, 9, 1},
      {"the same, from between its events", {"gone.1"}, 8, {}, 9, 1},
      {"the same, from after them", {"gone.1"}, 9, {}, std::nullopt, std::nullopt},
      {"the same, and one that has not", {"a", "gone.1"}, 0, {7}, 6, 1},
      {"two that have lost all", {"gone.1", "gone.2"}, 0, {}, 10, 2},
      {"a pattern that matches these", {"gone.*"}, 0, {}, 10, std::nullopt},
  }));
  INFO(c.name);
  ReplayRequest request = ask(c.subscriptions, c.after);
  request.newest_only = true;
  const ReplayAnswer answer = f.replay(request);
  CHECK(sequences(answer.frames) == c.frames);
  CHECK(answer.reached_head);
  REQUIRE(answer.gap.has_value() == c.resumed_at.has_value());
  if (!answer.gap) return;
  CHECK(answer.gap->resumed_at == *c.resumed_at);
  CHECK(answer.gap->missed == c.missed);
}

TEST_CASE("an id of another epoch gets everything retained, announced as restarted") {
  ReplayFixture f;
  const auto [topic, frames, resumed_at] = GENERATE(table<std::string, Sequences, std::uint64_t>({
      {"a", {4, 7}, 3},
      {"b", {5, 6}, 0},
      {"never", {}, 7},
  }));
  ReplayRequest request = ask({topic}, 5);
  request.from = ReplayFrom::restarted;
  const ReplayAnswer answer = f.replay(request);
  CHECK(sequences(answer.frames) == frames);
  REQUIRE(answer.gap);
  CHECK(answer.gap->reason == GapReason::restarted);
  CHECK_FALSE(answer.gap->missed);
  CHECK(answer.gap->resumed_at == resumed_at);
}

TEST_CASE("a gap is told even if nothing is retained") {
  Log log(log_options({.events_max = 0}));
  publish(log, "a");
  publish(log, "a");
  publish(log, "b");
  const ReplayAnswer answer = log.replay(ask({"a"}), Instant{});
  CHECK(answer.frames.empty());
  REQUIRE(answer.gap);
  CHECK(answer.gap->missed == 2U);
  CHECK(answer.gap->resumed_at == 2);
  CHECK(answer.through == 3);
}

TEST_CASE("earliest and last have a position and no gap") {
  ReplayFixture f;
  const auto [from, count, subscriptions, frames, position] = GENERATE(
      table<ReplayFrom, std::uint32_t, std::vector<std::string>, Sequences, std::uint64_t>({
          {ReplayFrom::earliest, 0, {"a"}, {4, 7}, 3},
          {ReplayFrom::earliest, 0, {"a", "b"}, {4, 5, 6, 7}, 3},
          {ReplayFrom::earliest, 0, {">"}, {4, 5, 6, 7}, 3},
          {ReplayFrom::earliest, 0, {"never"}, {}, 7},
          {ReplayFrom::last, 1, {"a"}, {7}, 6},
          {ReplayFrom::last, 1, {"a", "b"}, {6, 7}, 5},
          {ReplayFrom::last, 9, {"b"}, {5, 6}, 4},
          {ReplayFrom::last, 0, {"a"}, {}, 7},
          {ReplayFrom::last, 9, {">"}, {}, 7},
          {ReplayFrom::last, 1, {">", "b"}, {6}, 5},
      }));
  ReplayRequest request = ask(subscriptions);
  request.from = from;
  request.last_count = count;
  const ReplayAnswer answer = f.replay(request);
  CHECK(sequences(answer.frames) == frames);
  CHECK(answer.position == position);
  CHECK(answer.through == 7);
  CHECK(answer.reached_head);
  CHECK_FALSE(answer.gap);
}

TEST_CASE("earliest, restarted and last=N give of each topic only the newest event, too") {
  ReplayFixture f;
  const auto [from, count, subscriptions, frames] =
      GENERATE(table<ReplayFrom, std::uint32_t, std::vector<std::string>, Sequences>({
          {ReplayFrom::earliest, 0, {"a", "b"}, {6, 7}},
          {ReplayFrom::earliest, 0, {">"}, {6, 7}},
          {ReplayFrom::restarted, 0, {"a", "b"}, {6, 7}},
          {ReplayFrom::last, 5, {"a", "b"}, {6, 7}},
          {ReplayFrom::last, 0, {"a", "b"}, {}},
          {ReplayFrom::last, 5, {">"}, {}},
      }));
  ReplayRequest request = ask(subscriptions);
  request.from = from;
  request.last_count = count;
  request.newest_only = true;
  const ReplayAnswer answer = f.replay(request);
  CHECK(sequences(answer.frames) == frames);
  CHECK(answer.gap.has_value() == (from == ReplayFrom::restarted));
}

TEST_CASE("the newest events are given in parts, and one that is lost in between is told") {
  Log log(log_options({.events_max = 1}));
  for (const char* topic : {"a", "b", "c", "a", "b"}) publish(log, topic);  // c keeps 3.
  const std::vector<std::string> subscriptions =
      GENERATE(values<std::vector<std::string>>({{"a", "b", "c"}, {">"}}));
  ReplayRequest request = ask(subscriptions);
  request.newest_only = true;
  request.frames_max = 1;
  const ReplayAnswer first = log.replay(request, Instant{});
  CHECK(sequences(first.frames) == Sequences{3});
  CHECK_FALSE(first.gap);
  request.after = first.through;
  request.evictions_told = first.evictions_told;
  publish(log, "a");  // 6 supersedes 4.
  const ReplayAnswer second = log.replay(request, Instant{});
  CHECK(sequences(second.frames) == Sequences{5});
  CHECK_FALSE(second.gap);
  request.after = second.through;
  request.evictions_told = second.evictions_told;
  log.set_limits(classes({.events_max = 0}), 0);
  while (log.expire(Instant{})) {
  }
  const ReplayAnswer third = log.replay(request, Instant{});
  CHECK(third.frames.empty());
  REQUIRE(third.gap);
  CHECK(third.gap->resumed_at == 6);
}

TEST_CASE("an answer stops after the frame that fills it, and the next one continues") {
  ReplayFixture f;
  const std::vector<std::string> subscriptions =
      GENERATE(values<std::vector<std::string>>({{"a", "b"}, {">"}}));
  ReplayRequest request = ask(subscriptions, 3);
  const bool by_bytes = GENERATE(false, true);
  request.frames_max = by_bytes ? 100 : 1;
  request.bytes_max = by_bytes ? 1 : 1 << 20;
  for (const std::uint64_t expected : {4U, 5U, 6U, 7U}) {
    const ReplayAnswer answer = f.replay(request);
    CHECK(sequences(answer.frames) == Sequences{expected});
    CHECK(answer.through == expected);
    CHECK(answer.reached_head == (expected == 7));
    CHECK_FALSE(answer.gap);
    request.after = answer.through;
    request.evictions_told = answer.evictions_told;
  }
}

TEST_CASE("a loss between two parts of an answer is told, and each loss is told once") {
  // Topic a retains 1 2. Topic b retains 4 5 and has lost 3, which is younger than the events of a.
  Log log(log_options({.events_max = 2}));
  for (const char* topic : {"a", "a", "b", "b", "b"}) publish(log, topic);
  ReplayRequest request = ask({"a", "b"});
  request.from = GENERATE(ReplayFrom::sequence, ReplayFrom::earliest);
  request.frames_max = 1;
  const ReplayAnswer first = log.replay(request, Instant{});
  CHECK(sequences(first.frames) == Sequences{1});
  CHECK(first.gap.has_value() == (request.from == ReplayFrom::sequence));

  request.from = ReplayFrom::sequence;
  request.after = first.through;
  request.evictions_told = first.evictions_told;
  SECTION("nothing is evicted") {
    const ReplayAnswer second = log.replay(request, Instant{});
    CHECK(sequences(second.frames) == Sequences{2});
    CHECK_FALSE(second.gap);
  }
  SECTION("2 is evicted") {
    publish(log, "a");
    publish(log, "a");
    const ReplayAnswer second = log.replay(request, Instant{});
    CHECK(sequences(second.frames) == Sequences{4});
    REQUIRE(second.gap);
    CHECK(second.gap->resumed_at == 2);
  }
  SECTION("4 is evicted, so the number of b's new losses is unknown") {
    publish(log, "b");
    const ReplayAnswer second = log.replay(request, Instant{});
    CHECK(sequences(second.frames) == Sequences{2});
    REQUIRE(second.gap);
    CHECK(second.gap->resumed_at == 1);
    CHECK_FALSE(second.gap->missed);
  }
}

TEST_CASE("long histories are replayed in bounded shares without losing an event") {
  Log log(log_options({.events_max = 1'000'000}));
  Sequences wanted;
  for (int i = 0; i < 30'000; ++i) {
    const std::uint64_t sequence = publish(log, i % 3 == 0 ? "other" : "busy");
    if (i % 3 != 0) wanted.push_back(sequence);
  }
  wanted.push_back(publish(log, "rare"));
  // Also replays "busy" from the middle of its chain, between two of its events.
  const std::vector<std::string> subscriptions =
      GENERATE(values<std::vector<std::string>>({{"busy"}, {"rare"}, {">"}}));
  const std::uint64_t after = GENERATE(0U, 15'001U, 14'998U);
  ReplayRequest request = ask(subscriptions, after);
  request.frames_max = 100'000;
  request.bytes_max = std::size_t{1} << 30;
  Sequences given;
  for (int answers = 0;; ++answers) {
    REQUIRE(answers < 20);
    const ReplayAnswer answer = log.replay(request, Instant{});
    REQUIRE(answer.frames.size() <= kScanEntriesMax);
    REQUIRE((answer.reached_head || answer.through > request.after));
    for (const FrameRef& frame : answer.frames) given.push_back(frame->sequence());
    request.after = answer.through;
    if (answer.reached_head) break;
  }
  Sequences expected;
  for (std::uint64_t sequence = after + 1; sequence <= log.head(); ++sequence) {
    const bool other = sequence < log.head() && (sequence - 1) % 3 == 0;
    const bool rare = sequence == log.head();
    if (subscriptions[0] == ">" || (subscriptions[0] == "rare" ? rare : !other && !rare)) {
      expected.push_back(sequence);
    }
  }
  CHECK(given == expected);
}

TEST_CASE("the loss of a topic that is no longer listed is told") {
  LogOptions options = log_options({.events_max = 5});
  options.topics_max = 2;
  options.forgotten_max = 1;
  Log log(std::move(options));
  publish(log, "a");  // 1
  publish(log, "b");  // 2
  publish(log, "c");  // 3: the log forgets a and keeps its loss.
  const auto resumed_at = [&](const std::string& topic, std::uint64_t after) {
    const ReplayAnswer answer = log.replay(ask({topic}, after), Instant{});
    if (answer.gap) CHECK_FALSE(answer.gap->missed);
    return answer.gap ? std::optional(answer.gap->resumed_at) : std::nullopt;
  };
  CHECK(resumed_at("a", 0) == 1U);
  CHECK_FALSE(resumed_at("a", 1));
  CHECK_FALSE(resumed_at("never", 0));
  CHECK(resumed_at("*", 0) == 1U);
  CHECK(resumed_at("x.>", 0) == 1U);  // The pattern might have matched a.
  CHECK_FALSE(resumed_at("x.>", 1));

  // 4: the log forgets b, too. The table has room for one, so the floor is 1 now.
  publish(log, "d");
  CHECK(resumed_at("b", 0) == 2U);
  CHECK(resumed_at("a", 0) == 1U);
  CHECK(resumed_at("never", 0) == 1U);
  CHECK_FALSE(resumed_at("never", 1));

  publish(log, "a");  // 5: a is listed again and still known to have lost an event.
  CHECK(resumed_at("a", 0).has_value());
  CHECK_FALSE(resumed_at("a", 2));
}

TEST_CASE("gap reasons are spelled as in the event") {
  CHECK(to_string(GapReason::evicted) == "evicted");
  CHECK(to_string(GapReason::restarted) == "restarted");
  CHECK(to_string(GapReason::unknown_id) == "unknown-id");
  CHECK(to_string(GapReason::overflow) == "overflow");
}

}  // namespace crier::broadcast
