// Closed topics in the log: how long they are remembered, and what a replay gives of them.
#include <string>
#include <vector>

#include "broadcast/log/log.h"
#include "tests/broadcast/log/log_support.h"

namespace crier::broadcast {
namespace {

// kept: 1 2, closed by 3. gone.x: 4 5, closed by 6, with no history. never: closed by 7. open: 8.
struct ClosingFixture {
  Log log{log_options({.events_max = 100}, {topic_class("gone.*", {.events_max = 0})})};
  ClosingFixture() {
    publish(log, "kept");
    publish(log, "kept");
    close(log, "kept");
    publish(log, "gone.x");
    publish(log, "gone.x");
    close(log, "gone.x");
    close(log, "never");
    publish(log, "open");
  }
};

struct ClosingCase {
  std::string name;
  std::vector<std::string> subscriptions;
  std::uint64_t after;
  bool newest_only;
  Sequences frames;
  std::optional<std::uint64_t> resumed_at;  // Unset: no gap.
  std::optional<std::uint64_t> missed;
};

}  // namespace

TEST_CASE("a closing event is replayed like any other, and is not lost with the history") {
  ClosingFixture f;
  const auto none = std::nullopt;
  const ClosingCase c = GENERATE_COPY(values<ClosingCase>({
      {"from before all", {"kept"}, 0, false, {1, 2, 3}, none, none},
      {"from the last event", {"kept"}, 2, false, {3}, none, none},
      {"from the closing event", {"kept"}, 3, false, {}, none, none},
      {"without history, from before all", {"gone.x"}, 0, false, {6}, 5, 2},
      {"without history, in the middle", {"gone.x"}, 4, false, {6}, 5, none},
      {"without history, from the last event", {"gone.x"}, 5, false, {6}, none, none},
      {"without history, from the closing event", {"gone.x"}, 6, false, {}, none, none},
      {"a topic that had no other event", {"never"}, 0, false, {7}, none, none},
      {"several", {"open", "never", "gone.x", "kept"}, 2, false, {3, 6, 7, 8}, 2, 2},
      {"a pattern", {"gone.*"}, 0, false, {}, 6, none},
      {"a pattern that matches the topic, too", {"gone.*", "gone.x"}, 5, false, {6}, 5, none},
      {"another pattern", {"gone.x", "x.*"}, 5, false, {6}, none, none},
      {"another pattern, from before all", {"gone.x", "x.*"}, 0, false, {6}, 5, 2},
      {"a pattern and several", {"never", "*", "gone.x"}, 5, false, {6, 7, 8}, none, none},
      {"the newest only", {"kept"}, 0, true, {3}, none, none},
      {"the newest only, without history", {"gone.x"}, 0, true, {6}, none, none},
  }));
  INFO(c.name);
  ReplayRequest request = ask(c.subscriptions, c.after);
  request.newest_only = c.newest_only;
  const ReplayAnswer answer = f.log.replay(request, Instant{});
  CHECK(sequences(answer.frames) == c.frames);
  CHECK(answer.through == 8);
  CHECK(answer.reached_head);
  REQUIRE(answer.gap.has_value() == c.resumed_at.has_value());
  if (!answer.gap) return;
  CHECK(answer.gap->resumed_at == *c.resumed_at);
  CHECK(answer.gap->missed == c.missed);
}

TEST_CASE("a closing event that is made again is the event it was") {
  ClosingFixture f;
  for (const std::string topic : {"kept", "gone.x"}) {
    const ReplayAnswer answer = f.log.replay(ask({topic}, topic == "kept" ? 2 : 5), Instant{});
    REQUIRE(answer.frames.size() == 1);
    const Frame& frame = *answer.frames[0];
    CHECK(frame.closes());
    CHECK(frame.topic() == topic);
    CHECK(frame.topic_hash() == keyed_hash(f.log.topic_key(), topic));
    CHECK(frame.wire(Framing::plain) ==
          "id: " + to_string(EventId{f.log.epoch(), frame.sequence()}) +
              "\nevent: crier.closed\ndata: {\"topic\":\"" + topic + "\"}\n\n");
  }
}

TEST_CASE("a closing event has no checksum, like crier's other own events") {
  EventEncoder encoder(Epoch::from_random(7), {11, 13}, nullptr, true);
  const std::string data = closed_data("a");
  const auto text = [&](std::string_view name) {
    const Event event{.topic = "a", .data = data, .name = name};
    return std::string(encoder.encode(event, 1, {})->wire(Framing::plain));
  };
  CHECK(text("published").find("crc32c") != std::string::npos);
  CHECK(text(kClosedName).find("crc32c") == std::string::npos);
}

TEST_CASE("earliest and last=N give the closing event in addition") {
  ClosingFixture f;
  const auto [from, count, newest_only, subscriptions, frames] =
      GENERATE(table<ReplayFrom, std::uint32_t, bool, std::vector<std::string>, Sequences>({
          {ReplayFrom::earliest, 0, false, {"kept", "gone.x"}, {1, 2, 3, 6}},
          {ReplayFrom::restarted, 0, false, {"gone.x"}, {6}},
          {ReplayFrom::last, 1, false, {"kept"}, {2, 3}},
          {ReplayFrom::last, 9, false, {"gone.x", "kept"}, {1, 2, 3, 6}},
          {ReplayFrom::last, 1, false, {"kept", "open"}, {2, 3, 8}},
          {ReplayFrom::last, 5, true, {"kept"}, {2, 3}},
          {ReplayFrom::last, 1, false, {"*", "kept"}, {2, 3}},
      }));
  ReplayRequest request = ask(subscriptions);
  request.from = from;
  request.last_count = count;
  request.newest_only = newest_only;
  const ReplayAnswer answer = f.log.replay(request, Instant{});
  CHECK(sequences(answer.frames) == frames);
  CHECK(answer.reached_head);
  REQUIRE(answer.gap.has_value() == (from == ReplayFrom::restarted));
  if (answer.gap) CHECK(answer.gap->resumed_at == 5);
}

TEST_CASE("closing events come in their order and each once, however small the parts are") {
  ClosingFixture f;
  const bool scans = GENERATE(false, true);
  ReplayRequest request = ask(scans ? std::vector<std::string>{"gone.x", "kept", "x.*"}
                                    : std::vector<std::string>{"gone.x", "kept"});
  request.from = GENERATE(ReplayFrom::sequence, ReplayFrom::last);
  request.last_count = 9;
  request.frames_max = 1;
  Sequences given;
  for (int parts = 0; parts < 5; ++parts) {
    const ReplayAnswer answer = f.log.replay(request, Instant{});
    CHECK(answer.gap.has_value() == (request.from == ReplayFrom::sequence && parts == 0));
    for (const std::uint64_t sequence : sequences(answer.frames)) given.push_back(sequence);
    request.from = ReplayFrom::sequence;
    request.after = answer.through;
    request.evictions_told = answer.evictions_told;
    if (answer.last) request.last = answer.last;
    if (answer.reached_head) break;
  }
  CHECK(given == Sequences{1, 2, 3, 6});
}

TEST_CASE("a topic is closed until the table of forgotten topics has no room for it") {
  LogOptions options = log_options();
  options.topics_max = 1;
  options.forgotten_max = 1;
  Log log(std::move(options));
  publish(log, "a");  // 1
  CHECK(close(log, "a")->sequence() == 2);
  CHECK(log.closing_of("a").sequence == 2);
  CHECK(log.closing_of("a").before == 1);
  CHECK(log.topic("a", {})->closed_sequence == 2);
  CHECK_FALSE(log.closing_of("b"));

  publish(log, "b");  // 3: the log forgets a.
  CHECK(log.stats().topics_closed.read() == 1);
  REQUIRE(log.topic("a", {}));
  CHECK(log.topic("a", {})->events == 0);
  CHECK(log.topic("a", {})->closed_sequence == 2);
  CHECK(sequences(log.replay(ask({"a"}, 1), {}).frames) == Sequences{2});
  CHECK_FALSE(log.replay(ask({"a"}, 1), {}).gap);
  CHECK(log.replay(ask({"a"}, 0), {}).gap->resumed_at == 1);

  publish(log, "c");  // 4: the log forgets b, which replaces a in the table.
  CHECK_FALSE(log.closing_of("a"));
  CHECK_FALSE(log.topic("a", {}));
  CHECK(log.stats().topics_closed.read() == 0);
  const ReplayAnswer lost = log.replay(ask({"a"}, 1), {});
  CHECK(lost.frames.empty());
  REQUIRE(lost.gap);
  CHECK(lost.gap->resumed_at == 2);
}

TEST_CASE("a stream in the middle of its replay is told if a closing event is no longer known") {
  LogOptions options = log_options({.events_max = 100}, {topic_class("gone", {.events_max = 0})});
  options.topics_max = 2;
  options.forgotten_max = 0;
  Log log(std::move(options));
  publish(log, "kept");
  close(log, "gone");  // 2
  ReplayRequest request = ask({"kept", "gone"});
  request.frames_max = 1;
  const ReplayAnswer first = log.replay(request, {});
  CHECK(sequences(first.frames) == Sequences{1});
  CHECK_FALSE(first.gap);
  const std::string by = GENERATE("an event", "another closing event", "forgetting");
  INFO(by);
  if (by == "an event") publish(log, "gone");
  if (by == "another closing event") close(log, "gone");
  if (by == "forgetting") publish(log, "other");
  CHECK(log.closing_of("gone").sequence == (by == "another closing event" ? 3 : 0));
  request.after = first.through;
  request.evictions_told = first.evictions_told;
  const ReplayAnswer second = log.replay(request, {});
  REQUIRE(second.gap);
  CHECK(second.gap->resumed_at >= 2);
  CHECK_FALSE(second.gap->missed);
}

TEST_CASE("an event after the closing one opens the topic, and it may be closed again") {
  Log log(log_options());
  close(log, "a");
  close(log, "a");
  CHECK(log.closing_of("a").sequence == 2);
  CHECK(log.closing_of("a").before == 1);
  publish(log, "a");
  CHECK_FALSE(log.closing_of("a"));
  CHECK(log.topic("a", {})->closed_sequence == 0);
  close(log, "a");
  CHECK(log.closing_of("a").sequence == 4);
  CHECK(sequences(log.replay(ask({"a"}), {}).frames) == Sequences{1, 2, 3, 4});
}

TEST_CASE("a worker that missed a closing event is told of the topic") {
  ClosingFixture f;
  const MissedFrames missed = f.log.frames_after(5, 100, 1 << 20);
  CHECK(sequences(missed.frames) == Sequences{7, 8});
  REQUIRE(missed.lost);
  CHECK(missed.lost->topics == std::vector<std::string>{"gone.x"});
}

}  // namespace crier::broadcast
