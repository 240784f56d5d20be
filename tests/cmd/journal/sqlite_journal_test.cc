// The journal in a file, by the model of a journal over restarts: ended in good order, killed, and
// with a machine that loses its power.
#include "cmd/journal/sqlite_journal.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "net/loop/loop.h"
#include "tests/broadcast/log/journal_model.h"
#include "tests/cmd/command_support.h"
#include "tests/cmd/journal/faulty_disk.h"
#include "tests/cmd/journal/store_support.h"
#include "tests/support/catch.h"
#include "tests/support/files.h"

namespace crier::cmd {
namespace {

using namespace std::chrono_literals;

class SqliteWorld final : public broadcast::JournalWorld {
 public:
  SqliteWorld(std::uint32_t seed, FaultyDisk* disk) : dice_(seed), disk_(disk) { open(); }

  broadcast::Journal& journal() override { return *journal_; }
  bool keeps_events() const override { return true; }
  void turn() override {
    if (dice_() % 4 == 0) std::this_thread::sleep_for(300us);
    loop_.settle();
  }
  void restart(bool crash) override {
    journal_.reset();
    if (crash && disk_ != nullptr) disk_->lose_power(dice_);
    open();
  }
  Instant now() override { return net::Loop::now(); }
  const JournalStats& stats() const { return journal_->stats(); }

 private:
  void open() {
    auto opened = SqliteJournal::open({.path = files_.root() + "/journal.db",
                                       .idempotency_seconds = 3'600,
                                       .vfs = disk_ == nullptr ? nullptr : disk_->name()},
                                      {.loop = loop_, .log = log_, .lost = [] { FAIL("lost"); }});
    INFO((opened ? "" : opened.error().detail));
    REQUIRE(opened.has_value());
    journal_ = std::move(*opened);
  }

  Files files_;
  std::mt19937 dice_;
  FaultyDisk* disk_;
  net::Loop loop_;
  RecordingSink log_;
  std::unique_ptr<SqliteJournal> journal_;
};

// What a journal without history answers.
class Answers final : public broadcast::JournalClient, public broadcast::JournalReader {
 public:
  void on_committed(const broadcast::Event& event, std::uint64_t sequence, Instant) override {
    committed.push_back(std::to_string(sequence) + " " + std::string(event.data));
  }
  void on_appended(const broadcast::Appended& answer) override {
    if (answer) {
      ++appended;
    } else {
      ++failed;
      why = answer.error();
    }
  }
  void on_recovered_key(const broadcast::Fingerprint&, const broadcast::Fingerprint&,
                        const broadcast::FirstAnswer&, Instant) override {
    ++recovered;
  }
  void on_dropped(std::uint64_t) override { FAIL("nothing is dropped"); }
  void on_remembered(const broadcast::Remembered&) override {}
  void on_event(const broadcast::Event&, std::uint64_t, Instant) override { ++loaded; }
  void on_key(const broadcast::Fingerprint&, const broadcast::Fingerprint&,
              const broadcast::FirstAnswer&, Instant) override {}
  void on_hole(std::uint64_t through) override { hole = through; }
  void on_head(std::uint64_t) override {}

  int loaded = 0;
  std::uint64_t hole = 0;
  std::vector<std::string> committed;
  int appended = 0;
  int failed = 0;
  int recovered = 0;
  std::optional<broadcast::JournalFailure> why;
};

// A new journal on a disk that may fail.
class OnFaultyDisk {
 public:
  explicit OnFaultyDisk(bool sync_each_commit = true) {
    auto opened = SqliteJournal::open({.path = path(),
                                       .sync_each_commit = sync_each_commit,
                                       .sync_ms = 10,
                                       .silent_ms = 100,
                                       .vfs = disk.name()},
                                      {.loop = loop_, .log = log_, .lost = [this] { ++lost; }});
    REQUIRE(opened.has_value());
    journal = std::move(*opened);
    REQUIRE(journal->load(answers).has_value());
    REQUIRE(answers.loaded == 0);
    journal->connect(answers);
  }

  std::string path() const { return files_.root() + "/journal.db"; }
  const std::vector<std::string>& log_lines() const { return log_.lines; }

  std::optional<broadcast::Appended> append(const std::string& data) {
    const broadcast::PublishEvent event{{.topic = "a", .data = data}, {}, 0};
    const broadcast::KeyUse key{{1, data.size()}, {2, 2}, 0, 1};
    return journal->append({{&event, 1}, {&key, 1}, net::Loop::now()});
  }
  std::optional<broadcast::Appended> publish(const std::string& data) {
    const auto at_once = append(data);
    journal->flush();
    return at_once;
  }
  template <typename Until>
  void wait(const Until& until) {
    for (int i = 0; i < 5'000 && !until(); ++i) {
      std::this_thread::sleep_for(1ms);
      loop_.settle();
    }
    REQUIRE(until());
  }

 private:
  Files files_;
  net::Loop loop_;
  RecordingSink log_;

 public:
  FaultyDisk disk;
  Answers answers;
  int lost = 0;
  std::unique_ptr<SqliteJournal> journal;
};

}  // namespace

TEST_CASE("whenever the process ends, a file has what was answered") {
  const std::uint32_t seed = GENERATE(1U, 2U, 3U);
  SqliteWorld world(seed, nullptr);
  broadcast::JournalModel model(world, seed, {.events_max = 5, .age_seconds_max = 1'000'000});
  for (int i = 0; i < 1'500; ++i) model.step();
  model.end();
}

TEST_CASE("whenever the machine loses power, a file has what was answered") {
  const std::uint32_t seed = GENERATE(1U, 2U, 3U, 4U);
  FaultyDisk disk;
  SqliteWorld world(seed, &disk);
  broadcast::JournalModel model(world, seed, {.events_max = 5, .age_seconds_max = 1'000'000});
  for (int i = 0; i < 1'500; ++i) model.step();
  model.end();
}

TEST_CASE("a batch whose sync failed is refused, and visible if it is found again") {
  // The calls of a commit: two pages of the log with their heads, and the sync.
  const std::uint64_t calls = GENERATE(0U, 4U);
  OnFaultyDisk on;
  Answers& answers = on.answers;
  CHECK(!on.publish("one"));
  on.wait([&] { return answers.appended == 1; });
  on.disk.fail_after(calls, calls == 0 ? SQLITE_FULL : SQLITE_IOERR_FSYNC, true);
  CHECK(!on.publish("second"));
  CHECK(!on.publish("the third"));  // Collected meanwhile.
  on.wait([&] { return answers.failed == 2; });
  const auto why =
      calls == 0 ? broadcast::JournalFailure::no_space : broadcast::JournalFailure::io_error;
  CHECK(answers.why == why);
  CHECK(on.journal->failing() == why);
  const auto refused = on.publish("the fourth");
  REQUIRE((refused && !refused->has_value()));
  CHECK(answers.committed == std::vector<std::string>{"1 one"});
  on.disk.work();
  on.wait([&] { return !on.journal->failing(); });
  CHECK(!on.publish("at last"));
  on.wait([&] { return answers.appended == 2; });
  if (calls == 0) {
    CHECK(answers.committed == std::vector<std::string>{"1 one", "2 at last"});
    CHECK(answers.recovered == 0);
  } else {
    CHECK(answers.committed == std::vector<std::string>{"1 one", "2 second", "3 at last"});
    CHECK(answers.recovered == 1);
  }
  CHECK(on.lost == 0);
  on.journal->finish();
}

TEST_CASE("what a full file has dropped is a loss, and no damage") {
  const Files files;
  const std::string path = files.root() + "/journal.db";
  {
    JournalStore store = used({.path = path, .bytes_max = 100'000});
    for (int i = 0; i < 20; ++i) commit(store, std::string(10'000, 'x'));
    REQUIRE(store.close().has_value());
  }
  net::Loop loop;
  RecordingSink log;
  auto journal = SqliteJournal::open({.path = path}, {.loop = loop, .log = log, .lost = [] {}});
  REQUIRE(journal.has_value());
  Answers answers;
  REQUIRE((*journal)->load(answers).has_value());
  CHECK(answers.loaded == 9);
  CHECK(answers.hole == 11);
  CHECK((*journal)->stats().holes.read() == 0);
  CHECK(log.lines.empty());
}

TEST_CASE("no batch is committed between a failure and the turn in which the loop learns of it") {
  OnFaultyDisk on(false);
  CHECK(!on.publish("one"));
  on.wait([&] { return on.answers.appended == 1; });
  on.disk.fail_after(0, SQLITE_IOERR_FSYNC, true);
  for (int i = 0; i < 1'000 && !on.disk.failed(); ++i) std::this_thread::sleep_for(1ms);
  REQUIRE(on.disk.failed());
  on.disk.work();
  std::this_thread::sleep_for(1'200ms);  // The thread tries again, and the loop stands still.
  CHECK(!on.publish("second"));
  CHECK(!on.append("the third"));
  std::this_thread::sleep_for(50ms);
  on.wait([&] { return on.answers.failed + on.answers.appended == 3; });
  CHECK(on.answers.committed == std::vector<std::string>{"1 one"});
  CHECK(on.answers.failed == 2);
  on.wait([&] { return !on.journal->failing(); });
  CHECK(!on.publish("at last"));
  on.wait([&] { return on.answers.appended == 2; });
  CHECK(on.answers.committed == std::vector<std::string>{"1 one", "2 at last"});
  on.journal->finish();
}

TEST_CASE("a disk that does not answer for a while is told, and that it answers again") {
  OnFaultyDisk on;
  on.journal->watch();
  CHECK(!on.publish("one"));
  CHECK_FALSE(on.journal->disk_is_silent());
  std::this_thread::sleep_for(110ms);  // The loop has not heard of it.
  CHECK(on.journal->disk_is_silent());
  on.journal->watch();
  on.journal->watch();
  on.wait([&] { return on.answers.appended == 1; });
  CHECK_FALSE(on.journal->disk_is_silent());
  on.journal->watch();
  REQUIRE(on.log_lines().size() == 2);
  CHECK(on.log_lines()[0].find("journal's disk does not answer") != std::string::npos);
  CHECK(on.log_lines()[1].find("journal's disk answers again") != std::string::npos);
  on.journal->finish();
}

TEST_CASE("an end that waits for the disk says so, once") {
  OnFaultyDisk on;
  const bool under_way = GENERATE(false, true);
  CHECK(!on.publish("one"));
  if (!under_way) on.wait([&] { return on.answers.appended == 1; });
  on.disk.be_slow(120ms);
  if (under_way) CHECK(!on.publish("two"));
  on.journal->finish();
  CHECK(on.answers.failed == 0);
  const auto said = [](const std::string& line) {
    return line.find("the end waits for the journal's disk") != std::string::npos;
  };
  CHECK(std::ranges::count_if(on.log_lines(), said) == 1);
}

TEST_CASE("what a failed disk has lost is noticed, however often it fails") {
  OnFaultyDisk on(false);
  CHECK(!on.publish("one"));
  on.wait([&] { return on.answers.appended == 1; });
  on.disk.fail_after(0, SQLITE_IOERR_FSYNC, true);
  on.wait([&] { return on.journal->failing().has_value(); });
  std::filesystem::remove(on.path() + "-wal");
  // It is opened again, the event is missing, and it cannot be written.
  std::this_thread::sleep_for(1'300ms);
  on.disk.work();
  on.wait([&] { return on.lost > 0 || !on.journal->failing(); });
  CHECK(on.lost == 1);
}

}  // namespace crier::cmd
