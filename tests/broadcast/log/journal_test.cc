// The model of a journal over restarts, with the journal in memory and with one that keeps rows.
#include "broadcast/log/journal.h"

#include <optional>
#include <random>

#include "broadcast/log/memory_journal.h"
#include "tests/broadcast/log/journal_model.h"
#include "tests/broadcast/log/row_journal.h"

namespace crier::broadcast {
namespace {

class MemoryWorld final : public JournalWorld {
 public:
  Journal& journal() override { return *journal_; }
  bool keeps_events() const override { return false; }
  void turn() override { now_.us += kSecond; }
  void restart(bool /*crash*/) override { journal_.emplace(); }
  Instant now() override { return now_; }

 private:
  std::optional<MemoryJournal> journal_{std::in_place};
  Instant now_{1};
};

class RowWorld final : public JournalWorld {
 public:
  explicit RowWorld(std::uint32_t seed) : random_(seed) {}

  Journal& journal() override { return *journal_; }
  bool keeps_events() const override { return true; }
  void turn() override {
    now_.us += kSecond;
    if (random_() % 3 == 0) journal_->answer();
    if (random_() % 2 == 0) journal_->write();
    if (random_() % 2 == 0) journal_->answer();
  }
  void restart(bool /*crash*/) override { journal_.emplace(rows_); }
  Instant now() override { return now_; }

 private:
  std::mt19937 random_;
  Rows rows_;
  std::optional<RowJournal> journal_{rows_};
  Instant now_{1};
};

}  // namespace

TEST_CASE("the journal in memory keeps nothing, and answers at once") {
  MemoryWorld world;
  JournalModel model(world, 1, {.events_max = 5, .age_seconds_max = 1'000'000});
  for (int i = 0; i < 2'000; ++i) model.step();
  model.end();
}

TEST_CASE("whenever the process ends, what was answered is there again and no loss is silent") {
  const std::uint32_t seed = GENERATE(1U, 2U, 3U, 4U, 151U);
  const std::uint32_t events_max = GENERATE(2U, 30U);
  INFO("seed " << seed << ", at most " << events_max << " events of a topic");
  RowWorld world(seed);
  JournalModel model(world, seed, {.events_max = events_max, .age_seconds_max = 1'000'000});
  for (int i = 0; i < 1'500; ++i) model.step();
  model.end();
}

}  // namespace crier::broadcast
