// Random submissions with few keys over a journal that commits and fails at random: each is
// answered once, no key is published twice, and a success names events that are in the log.
#include "cmd/daemon/control/event_intake.h"

#include <algorithm>
#include <map>
#include <random>
#include <string>
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
    journal_.fail(broadcast::JournalFailure::io_error);
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

}  // namespace crier::cmd
