// Random submissions with few keys over a journal that commits and fails at random: each is
// answered once, no key is published twice, and a success names events that are in the log. Groups
// that failed may turn out to be in the journal.
#include "cmd/daemon/control/event_intake.h"

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/broadcast/log/log_support.h"
#include "tests/cmd/daemon/control/scripted_journal.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using broadcast::PublishEvent;

struct ReleasedFrames : Outgoing {
  void publish(const FrameRef& frame) override {
    const std::string text(frame->wire(Framing::plain));
    const std::size_t at = text.find("data: ") + 6;
    sequences[text.substr(at, text.find('\n', at) - at)].push_back(frame->sequence());
  }
  std::map<std::string, std::vector<std::uint64_t>> sequences;  // Keyed by data.
};

class Run {
 public:
  explicit Run(std::uint32_t seed) : random_(seed) {}

  void step() {
    const std::uint32_t what = draw(10);
    if (what < 6) return submit();
    if (journal_.open() == 0) return;
    if (what < 9) return journal_.commit(1 + draw(static_cast<std::uint32_t>(journal_.open())));
    if (draw(3) > 0) {
      journal_.fail(broadcast::JournalFailure::io_error);
      return journal_.forget_failed();
    }
    while (journal_.open() > 0) journal_.fail(broadcast::JournalFailure::io_error);
    journal_.recover();
  }
  void end() {
    journal_.finish();
    CHECK(answered_ == submitted_);
    CHECK(conflicts_ > 0);
    CHECK(failures_ > 0);
    std::map<std::string, std::size_t> published;  // Counted by key.
    for (const auto& [data, sequences] : frames_.sequences) {
      published[data.substr(0, data.find('-'))] += sequences.size();
    }
    for (const auto& [key, times] : published) {
      INFO(key);
      CHECK(times == 1);
    }
  }

 private:
  std::uint32_t draw(std::uint32_t below) {
    return std::uniform_int_distribution<std::uint32_t>(0, below - 1)(random_);
  }

  void submit() {
    ++submitted_;
    std::vector<std::string> keys;
    std::vector<std::string> data;
    for (std::uint32_t i = 1 + draw(4); i > 0; --i) {
      keys.push_back("k" + std::to_string(draw(400)));
      data.push_back(keys.back() + (draw(20) == 0 ? "-other" : "-first"));
    }
    std::vector<PublishEvent> events;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      events.push_back({{.topic = "t", .data = data[i]}, keys[i], i + 1});
    }
    now_.us += 1;
    const auto outcome = intake_.submit(1, events, now_);
    if (outcome) return check(data, *outcome);
    intake_.then([this, data](const IntakeOutcome& known) { check(data, known); });
  }

  void check(const std::vector<std::string>& data, const IntakeOutcome& outcome) {
    ++answered_;
    if (outcome.conflict_line != 0) {
      ++conflicts_;
      return;
    }
    if (outcome.failure) {
      ++failures_;
      return;
    }
    std::uint64_t first = ~std::uint64_t{0};
    std::uint64_t last = 0;
    for (const std::string& one : data) {
      REQUIRE(frames_.sequences[one].size() == 1);
      first = std::min(first, frames_.sequences[one].front());
      last = std::max(last, frames_.sequences[one].front());
    }
    REQUIRE(outcome.answer.first_sequence == first);
    REQUIRE(outcome.answer.last_sequence == last);
    REQUIRE(outcome.answer.accepted == data.size());
  }

  std::mt19937 random_;
  Instant now_{1};
  ScriptedJournal journal_;
  broadcast::Log log_{broadcast::log_options()};
  broadcast::EventEncoder encoder_{log_.epoch(), log_.topic_key(), nullptr};
  broadcast::IdempotencyKeys keys_{{1, 2}, 10'000, 1'000};
  ReleasedFrames frames_;
  EventIntake intake_{{journal_, log_, encoder_, keys_, frames_}};
  std::size_t submitted_ = 0;
  std::size_t answered_ = 0;
  std::size_t conflicts_ = 0;
  std::size_t failures_ = 0;
};

}  // namespace

TEST_CASE("whatever the journal does, a key is published once and every answer is true") {
  const std::uint32_t seed = GENERATE(1U, 2U, 3U, 4U);
  INFO("seed " << seed);
  Run run(seed);
  for (int i = 0; i < 3'000; ++i) run.step();
  run.end();
}

namespace {

struct Intake {
  std::optional<IntakeOutcome> one(std::string_view data, std::string_view key) {
    const PublishEvent event{{.topic = "t", .data = data}, key, 1};
    return intake.submit(1, {&event, 1}, {5});
  }
  std::optional<IntakeOutcome> whole(std::string_view key) {
    const std::vector<PublishEvent> events = {{{.topic = "t", .data = "1"}, {}, 1},
                                              {{.topic = "t", .data = "2"}, {}, 2}};
    return intake.submit_whole(1, key, "body", events, {5});
  }
  void then_answer() {
    intake.then([this](const IntakeOutcome& outcome) { answer = outcome; });
  }

  ScriptedJournal journal;
  broadcast::Log log{broadcast::log_options()};
  broadcast::EventEncoder encoder{log.epoch(), log.topic_key(), nullptr};
  broadcast::IdempotencyKeys keys{{1, 2}, 10, 1'000};
  ReleasedFrames frames;
  EventIntake intake{{journal, log, encoder, keys, frames}};
  std::optional<IntakeOutcome> answer;
};

}  // namespace

TEST_CASE("the journal is given the new keys of a group, and the events that they stand for") {
  Intake f;
  const std::vector<PublishEvent> events = {{{.topic = "t", .data = "1"}, {}, 1},
                                            {{.topic = "t", .data = "2"}, "k2", 2},
                                            {{.topic = "t", .data = "2"}, "k2", 3},
                                            {{.topic = "t", .data = "3"}, "k3", 4}};
  REQUIRE_FALSE(f.intake.submit(1, events, {5}));
  f.then_answer();
  REQUIRE(f.journal.events_of_newest() == 3);
  const auto& uses = f.journal.keys_of_newest();
  REQUIRE(uses.size() == 2);
  CHECK(uses[0].key == f.keys.scoped(1, "k2"));
  CHECK(uses[0].content == f.keys.fingerprint({"t", "", "2"}));
  CHECK((uses[0].first == 1 && uses[0].count == 1));
  CHECK((uses[1].first == 2 && uses[1].count == 1));
  REQUIRE_FALSE(f.whole("all"));
  f.then_answer();
  REQUIRE(f.journal.keys_of_newest().size() == 1);
  CHECK(f.journal.keys_of_newest()[0].first == 0);
  CHECK(f.journal.keys_of_newest()[0].count == 2);
  REQUIRE_FALSE(f.one("no key", ""));
  f.then_answer();
  CHECK(f.journal.keys_of_newest().empty());
}

TEST_CASE(
    "events of a request that failed are found by its key if the journal had them after all") {
  Intake f;
  REQUIRE_FALSE(f.one("first", "k"));
  f.then_answer();
  REQUIRE_FALSE(f.whole("all"));
  f.then_answer();
  f.journal.fail(broadcast::JournalFailure::io_error);
  f.journal.fail(broadcast::JournalFailure::io_error);
  REQUIRE(f.answer);
  CHECK(f.answer->failure == broadcast::JournalFailure::io_error);
  CHECK(f.log.head() == 0);
  f.journal.recover();
  CHECK(f.log.head() == 3);
  const auto again = f.one("first", "k");
  REQUIRE(again);
  CHECK_FALSE(again->failure);
  CHECK(again->published == 0);
  CHECK(again->answer == broadcast::FirstAnswer{1, 1, 1});
  const auto whole = f.whole("all");
  REQUIRE(whole);
  CHECK(whole->answer == broadcast::FirstAnswer{2, 3, 2});
  CHECK(f.frames.sequences.at("first") == std::vector<std::uint64_t>{1});
}

TEST_CASE("what the journal drops leaves the history") {
  Intake f;
  for (const std::string_view data : {"1", "2", "3"}) {
    REQUIRE_FALSE(f.one(data, ""));
    f.then_answer();
  }
  f.journal.commit(3);
  f.journal.drop(2);
  CHECK_FALSE(f.log.expire({5}));
  CHECK(f.log.stats().history_events.read() == 1);
}

}  // namespace crier::cmd
