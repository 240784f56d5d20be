// What a log knows after a restart: losses by damage, closed topics, events that a journal dropped.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "broadcast/log/log_loader.h"
#include "broadcast/log/log_survey.h"
#include "tests/broadcast/log/log_support.h"
#include "tests/broadcast/log/row_journal.h"

namespace crier::broadcast {
namespace {

// A log with the journal that it is loaded from.
struct Kept {
  explicit Kept(Rows of, LogOptions options = log_options()) : rows(std::move(of)), log(options) {
    rows.identity = {log.epoch(), log.topic_key(), {}};
    EventEncoder encoder(log.epoch(), log.topic_key(), nullptr);
    IdempotencyKeys keys({}, 10, 10);
    LogLoader loader(log, encoder, keys);
    RowJournal journal(rows);
    REQUIRE(journal.load(loader).has_value());
    CHECK(log.stats().events.read() == 0);  // None was published now.
    while (log.expire({})) {
    }
  }
  ReplayAnswer replay(const std::string& topic, std::uint64_t after, bool newest_only = false) {
    ReplayRequest request = ask({topic}, after);
    request.newest_only = newest_only;
    return log.replay(request, {});
  }

  Rows rows;
  Log log;
};

// A row for each event.
Rows rows_of(const std::vector<std::pair<std::string, std::string>>& topics_and_names) {
  Rows rows;
  for (const auto& [topic, name] : topics_and_names) {
    BatchWriter writer;
    const std::string data = name == kClosedName ? closed_data(topic) : "x";
    writer.add_event({.topic = topic, .data = data, .name = name}, 0);
    ++rows.last;
    rows.rows.push_back({rows.last, rows.last, {}, writer.take()});
  }
  return rows;
}

Rows two_topics() {
  return rows_of({{"a", ""}, {"b", ""}, {"a", ""}, {"b", ""}, {"a", ""}, {"a", ""}, {"b", ""}});
}

// What a survey of this log leaves of the rows.
Rows compacted(Rows rows, Log& log) {
  LogSurvey survey(log);
  while (!survey.step()) {
  }
  RowJournal(rows).compact(survey.take());
  return rows;
}

}  // namespace

TEST_CASE("numbers go on after a restart, even those whose events are gone") {
  Rows rows = two_topics();
  rows.last = 20;
  Kept kept(rows);
  CHECK(kept.log.head() == 20);
  CHECK(sequences(kept.replay("a", 0).frames) == Sequences{1, 3, 5, 6});
  CHECK_FALSE(kept.replay("a", 0).gap);
  CHECK(publish(kept.log, "a") == 21);
  CHECK(sequences(kept.replay("a", 5).frames) == Sequences{6, 21});
}

TEST_CASE("a damaged row is a gap for who resumes across it, and for nobody else") {
  const std::size_t damaged = GENERATE(0U, 1U, 3U, 6U);
  Rows rows = two_topics();
  rows.rows[damaged].damaged = true;
  Kept kept(rows);
  const Sequences of_a = {1, 3, 5, 6};
  for (const std::string topic : {"a", "b", "never"}) {
    for (std::uint64_t after = 0; after <= 7; ++after) {
      const ReplayAnswer answer = kept.replay(topic, after);
      INFO("row " << damaged + 1 << " is damaged; " << topic << " after " << after);
      CHECK(answer.gap.has_value() == (after <= damaged));
      if (answer.gap) CHECK_FALSE(answer.gap->missed);
      if (topic != "a") continue;
      Sequences expected;
      for (const std::uint64_t sequence : of_a) {
        if (sequence > after && sequence != damaged + 1) expected.push_back(sequence);
      }
      CHECK(sequences(answer.frames) == expected);
    }
  }
  CHECK(kept.replay(">", 0).gap);
  CHECK_FALSE(kept.replay(">", damaged + 1).gap);
}

TEST_CASE("who wants the newest event is told if that may be lost, but not of older ones") {
  Rows rows = two_topics();
  rows.rows[5].damaged = true;  // The newest event of "a".
  Kept kept(rows);
  for (const std::string topic : {"a", ">"}) {
    const ReplayAnswer answer = kept.replay(topic, 3, true);
    CHECK(answer.gap);
    if (answer.gap) CHECK_FALSE(answer.gap->missed);
  }
  CHECK_FALSE(kept.replay("b", 3, true).gap);  // Its newest one is after the damage.
  publish(kept.log, "a");
  CHECK_FALSE(kept.replay("a", 3, true).gap);
}

TEST_CASE("a loss by damage is not forgotten when older events are evicted") {
  Rows rows = two_topics();
  rows.rows[4].damaged = true;
  Kept kept(rows, log_options({.events_max = 3}));
  CHECK(sequences(kept.replay("a", 0).frames) == Sequences{1, 3, 6});
  publish(kept.log, "a");  // Evicts 1.
  for (std::uint64_t after = 0; after < 5; ++after) {
    CHECK(kept.replay("a", after).gap);
  }
  CHECK_FALSE(kept.replay("a", 5).gap);
}

TEST_CASE("a loss is remembered without its events, and nothing that was evicted comes back") {
  const LogOptions options = log_options({.events_max = 2});
  Kept first(two_topics(), options);
  const Rows rows = compacted(first.rows, first.log);
  CHECK(rows.rows.size() == 4);  // 4 and 7 of "b", 5 and 6 of "a".
  Kept kept(rows, log_options());
  for (const std::string topic : {"a", "b"}) {
    for (std::uint64_t after = 0; after <= 7; ++after) {
      INFO(topic << " after " << after);
      const ReplayAnswer before = first.replay(topic, after);
      const ReplayAnswer now = kept.replay(topic, after);
      CHECK(sequences(now.frames) == sequences(before.frames));
      CHECK(now.gap.has_value() == before.gap.has_value());
    }
  }
  // The rows are still there, because the journal did not come to it.
  Rows uncompacted = two_topics();
  uncompacted.remembered = rows.remembered;
  Kept again(uncompacted, log_options());
  CHECK(sequences(again.replay("a", 0).frames) == Sequences{5, 6});
  CHECK(sequences(again.replay("b", 0).frames) == Sequences{4, 7});
}

TEST_CASE("after a restart the loss of a listed topic is no gap for patterns of other topics") {
  Kept first(rows_of({{"busy", ""}, {"calm.a", ""}, {"busy", ""}, {"busy", ""}}),
             log_options({.events_max = 1}));
  Kept kept(compacted(first.rows, first.log));
  CHECK(kept.replay("busy", 0).gap);
  CHECK_FALSE(kept.replay("calm.*", 0).gap);
  CHECK(kept.replay(">", 0).gap);
}

TEST_CASE("topics stay closed over a restart") {
  const std::string closed(kClosedName);
  const LogOptions options = log_options({}, {topic_class("nothing.*", {.events_max = 0})});
  Kept first(rows_of({{"kept", ""},
                      {"kept", closed},
                      {"nothing.closed", ""},
                      {"nothing.closed", closed},
                      {"open", closed},
                      {"open", ""}}),
             options);
  Rows rows = compacted(first.rows, first.log);
  CHECK(rows.rows.size() == 4);
  SECTION("with its history") {
    Kept kept(rows, options);
    CHECK(kept.log.closing_of("kept").sequence == 2);
    CHECK(kept.log.closing_of("kept").before == 1);
    CHECK(sequences(kept.replay("kept", 0).frames) == Sequences{1, 2});
    publish(kept.log, "kept");
    CHECK_FALSE(kept.log.closing_of("kept"));
  }
  SECTION("without history: the closing event is made again") {
    Kept kept(rows, options);
    CHECK(kept.log.closing_of("nothing.closed").sequence == 4);
    CHECK(sequences(kept.replay("nothing.closed", 3).frames) == Sequences{4});
    CHECK_FALSE(kept.replay("nothing.closed", 3).gap);
    CHECK(kept.replay("nothing.closed", 2).gap);
  }
  SECTION("a topic that was opened again is open") {
    Kept kept(rows, options);
    CHECK_FALSE(kept.log.closing_of("open"));
  }
  SECTION("though the row with the closing event is damaged") {
    rows.rows[1].damaged = true;
    Kept kept(rows, options);
    CHECK(kept.log.closing_of("kept").sequence == 2);
    const ReplayAnswer answer = kept.replay("kept", 0);
    CHECK(sequences(answer.frames) == Sequences{2});
    CHECK(answer.gap);
  }
  SECTION("though a later event may be lost, which is a gap then and after the next restart") {
    rows.rows.push_back({.first = 7, .last = ++rows.last, .damaged = true});
    Kept kept(rows, options);
    kept.rows.rows.pop_back();  // The journal has let go of it.
    rows = compacted(kept.rows, kept.log);
    Kept again(rows, options);
    for (Kept* const log : {&kept, &again}) {
      CHECK(log->log.closing_of("nothing.closed").sequence == 4);
      CHECK(log->replay("nothing.closed", 4).gap);
      CHECK(log->replay("nothing.closed", 4, true).gap);
      CHECK_FALSE(log->replay("nothing.closed", 7).gap);
    }
  }
}

TEST_CASE("a topic whose events are all damaged stays closed over every restart") {
  Kept first(rows_of({{"a", ""}, {"a", std::string(kClosedName)}, {"b", ""}}));
  Rows rows = compacted(first.rows, first.log);
  for (int restarts = 0; restarts < 3; ++restarts) {
    if (restarts == 0) rows.rows[0].damaged = rows.rows[1].damaged = true;
    Kept kept(rows);
    INFO(restarts << " restarts");
    CHECK(kept.log.closing_of("a").sequence == 2);
    rows = compacted(rows, kept.log);
  }
}

TEST_CASE("expire() evicts what the journal has dropped, and that is a gap") {
  Kept kept(two_topics());
  kept.log.drop_through(4);
  CHECK_FALSE(kept.log.expire({}));
  CHECK(sequences(kept.replay(">", 0).frames) == Sequences{5, 6, 7});
  CHECK(kept.replay("a", 2).gap);
  CHECK_FALSE(kept.replay("a", 3).gap);
  const auto& evicted = kept.log.stats().evicted;
  CHECK(evicted[static_cast<std::size_t>(EvictionCause::journal)].read() == 4);
  CHECK(kept.log.stats().history_events.read() == 3);
}

TEST_CASE("a survey is made in shares, and misses nothing that happens in between") {
  Log log(log_options({.events_max = 1}));
  for (int i = 0; i < 20'000; ++i) publish(log, "t." + std::to_string(i % 10'000));
  LogSurvey survey(log);
  std::size_t steps = 1;
  while (!survey.step()) {
    if (++steps == 2) CHECK(publish(log, "t.9999") == 20'001);  // Evicts 20,000.
  }
  CHECK(steps > 5);
  const Survey found = survey.take();
  const LogSurvey later(log);  // The first one has ended with take().
  CHECK(found.through == 20'000);
  CHECK(found.live.size() + 1 >= 10'000);
  CHECK(found.live.front() == 10'001);
  CHECK(found.remembered.head == 20'001);
  CHECK(found.remembered.topics.size() == 10'000);
}

TEST_CASE("a topic that is forgotten or listed while a survey is under way is remembered") {
  constexpr int kTopics = 5'000;  // More than one share.
  const bool walked = GENERATE(true, false);
  LogOptions options = log_options({.events_max = 1});
  options.topics_max = kTopics;
  Log log(options);
  const auto name = [](int number) { return "t." + std::to_string(number); };
  for (int i = 0; i < kTopics; ++i) publish(log, name(i));
  // The topic that was published to longest ago makes room: one of the first share, or the last.
  const int stalest = walked ? 0 : kTopics - 1;
  if (!walked) {
    for (int i = 0; i < stalest; ++i) publish(log, name(i));
  }
  LogSurvey survey(log);
  for (int steps = 0; steps < 4; ++steps) REQUIRE_FALSE(survey.step());
  publish(log, "new");
  while (!survey.step()) {
  }
  const Survey found = survey.take();
  const auto remembers = [&](std::string_view topic, std::uint64_t through) {
    const Remembered::Topic wanted{keyed_hash(log.topic_key(), topic), through};
    return std::ranges::count(found.remembered.topics, wanted) > 0;
  };
  CHECK(remembers(name(stalest), static_cast<std::uint64_t>(stalest) + 1));
  CHECK(remembers("new", 0));
}

TEST_CASE("a topic that is opened while a survey is under way is open after a restart") {
  const std::string closed(kClosedName);
  using Events = std::vector<std::pair<std::string, std::string>>;
  const auto [what, forgotten_max, during, closed_by] =
      GENERATE_COPY(table<std::string, std::size_t, Events, std::uint64_t>({
          {"by an event", 9, {{"a", ""}, {"c", ""}}, 0},
          {"and closed again", 9, {{"a", ""}, {"a", closed}, {"c", ""}}, 4},
          {"because it was forgotten for good", 1, {{"c", ""}, {"a", ""}, {"b", ""}}, 0},
      }));
  INFO(what);
  LogOptions options = log_options();
  options.topics_max = 1;  // Each event of another topic evicts all there is.
  options.forgotten_max = forgotten_max;
  Log log(options);
  close(log, "a");
  publish(log, "b");
  Events events = {{"a", closed}, {"b", ""}};
  LogSurvey survey(log);
  for (int steps = 0; steps < 2; ++steps) REQUIRE_FALSE(survey.step());
  for (const auto& [topic, name] : during) {
    name == closed ? close(log, topic)->sequence() : publish(log, topic);
    events.emplace_back(topic, name);
  }
  while (!survey.step()) {
  }
  Rows rows = rows_of(events);
  RowJournal(rows).compact(survey.take());
  Kept kept(rows, options);
  CHECK(log.closing_of("a").sequence == closed_by);
  CHECK(kept.log.closing_of("a").sequence == closed_by);
  CHECK(kept.replay("a", 1).gap);  // Its second event is lost.
}

}  // namespace crier::broadcast
