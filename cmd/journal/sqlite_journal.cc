#include "cmd/journal/sqlite_journal.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

#include "core/check.h"

namespace crier::cmd {
namespace {

using broadcast::Appended;
using broadcast::BatchPart;
using broadcast::BatchReader;
using broadcast::JournalFailure;

// What may wait for its commit.
constexpr std::size_t kPendingBytes = std::size_t{16} << 20U;
// A survey costs a walk over the history and the file, so so much must have been written.
constexpr std::uint64_t kSurveyBytes = std::uint64_t{16} << 20U;
// The file has more than the batches: its pages, and the write-ahead log.
constexpr std::uint64_t kOverheadBytes = std::uint64_t{8} << 20U;

std::uint64_t system_ms() {
  using namespace std::chrono;
  const auto now = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(now, 0));
}

// How much of bytes_max is left for batches.
std::uint64_t batch_bytes_max(std::uint64_t bytes_max) {
  if (bytes_max == 0) return 0;
  const std::uint64_t without_log = bytes_max - std::min(bytes_max / 2, kOverheadBytes);
  return without_log - without_log / 16;
}

// Hands what a store has to the reader of a journal.
class Loading final : public StoreVisitor {
 public:
  Loading(broadcast::JournalReader& reader, JournalStats& stats)
      : reader_(reader), stats_(stats), now_(net::Loop::now()), now_ms_(system_ms()) {}

  void on_remembered(const broadcast::Remembered& remembered) override {
    reader_.on_remembered(remembered);
  }
  void on_hole(std::uint64_t through) override { reader_.on_hole(through); }
  void on_batch(const StoredBatch& batch) override {
    // Nothing gets younger than what was before it, or comes from the future, whatever the clock
    // did.
    const std::uint64_t age_ms = now_ms_ - std::min(now_ms_, batch.wall_ms);
    const std::uint64_t age_us = std::min(age_ms, now_.us / 1'000) * 1'000;
    accepted_ = std::max(accepted_, Instant{now_.us - age_us});
    BatchReader parts(batch.body, batch.first, batch.last);
    for (BatchPart part = parts.next(); part != BatchPart::end; part = parts.next()) {
      if (part == BatchPart::event) {
        reader_.on_event(parts.event(), parts.sequence(), accepted_);
        stats_.loaded_events.add();
      } else {
        reader_.on_key(parts.key(), parts.content(), parts.answer(), accepted_);
      }
    }
  }

 private:
  broadcast::JournalReader& reader_;
  JournalStats& stats_;
  Instant now_;
  std::uint64_t now_ms_;
  Instant accepted_;
};

}  // namespace

Result<std::unique_ptr<SqliteJournal>> SqliteJournal::open(SqliteJournalOptions options,
                                                           JournalParts parts) {
  StoreOptions file{.path = options.path,
                    .interval = !options.sync_each_commit,
                    .bytes_max = batch_bytes_max(options.bytes_max),
                    .vfs = options.vfs};
  if (file.vfs != nullptr) file.wal_bytes = 0;  // What a test's disk does not see.
  auto store = JournalStore::open(std::move(file));
  if (!store) return std::unexpected(std::move(store.error()));
  return std::unique_ptr<SqliteJournal>(
      new SqliteJournal(std::move(options), std::move(parts), std::move(*store)));
}

SqliteJournal::SqliteJournal(SqliteJournalOptions options, JournalParts parts, JournalStore store)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      identity_(store.identity()),
      store_(std::move(store)) {}

Result<void> SqliteJournal::load(broadcast::JournalReader& reader) {
  const std::string& path = options_.path;
  Loading loading(reader, stats_);
  const auto failed = [&](const StoreError& error) { return JournalStore::refusal(path, error); };
  if (auto done = store_->load(loading); !done) return failed(done.error());
  const std::uint64_t damaged = store_->damaged();
  stats_.holes.add(damaged);
  if (auto done = store_->begin_use(); !done) return failed(done.error());
  if (!store_->new_epoch_because().empty()) {
    parts_.log.warning("journal begins a new epoch: streams that resume get a gap",
                       {{"path", path}, {"reason", store_->new_epoch_because()}});
  }
  if (damaged > 0) {
    parts_.log.error(
        "journal was damaged: events may be missing, and streams that resume before "
        "them get a gap",
        {{"path", path}, {"places", damaged}, {"kept_as", store_->damaged_copy()}});
  }
  last_ = store_->last();
  since_survey_ = store_->batch_bytes();
  reader.on_head(last_);
  writer_.emplace(std::move(*store_), options_.sync_each_commit ? 0 : options_.sync_ms, parts_.loop,
                  [this] { take_reports(); });
  store_.reset();
  note_size();
  return {};
}

std::optional<Appended> SqliteJournal::append(const broadcast::Group& group) {
  std::optional<JournalFailure> why = failing_;
  if (collected_.bytes() + under_way_ >= kPendingBytes) why = JournalFailure::unavailable;
  if (why) {
    stats_.failed[static_cast<std::size_t>(*why)].add();
    return Appended(std::unexpected(*why));
  }
  collected_.add(group);
  groups_.push_back({group.events.size(), group.accepted});
  note_pending();
  return std::nullopt;
}

void SqliteJournal::flush() {
  if (under_way_ > 0 || collected_.empty()) return;
  const Instant now = net::Loop::now();
  JournalBatch batch;
  batch.first = last_ + 1;
  batch.last = last_ + collected_.end();
  batch.wall_ms = wall_ms(now);
  batch.body = collected_.take();
  batch.groups = std::exchange(groups_, {});
  handed_over_ = now;
  under_way_ = batch.body.size();
  writer_->write(std::move(batch));
}

// The clock of the system, except that it never goes back while this process lives: a key would
// count for too short a time.
std::uint64_t SqliteJournal::wall_ms(Instant now) {
  const std::uint64_t at_least =
      last_wall_ms_ == 0 ? 0 : last_wall_ms_ + (now.us - last_wall_at_.us) / 1'000;
  last_wall_ms_ = std::max(system_ms(), at_least);
  last_wall_at_ = now;
  return last_wall_ms_;
}

bool SqliteJournal::wants_survey() const {
  if (compacting_ || failing_ || lost_) return false;
  std::uint64_t enough = std::max(kSurveyBytes, kept_then_);
  // Before the bound is reached, so that what is dropped there has been remembered.
  if (options_.bytes_max > 0) enough = std::min(enough, options_.bytes_max / 8);
  return since_survey_ >= enough;
}

void SqliteJournal::compact(broadcast::Survey survey) {
  if (compacting_ || failing_ || lost_) return;
  compacting_ = true;
  since_survey_ = 0;
  const std::uint64_t now_ms = wall_ms(net::Loop::now());
  const std::uint64_t window_ms = options_.idempotency_seconds * 1'000;
  writer_->compact({std::move(survey), now_ms - std::min(now_ms, window_ms)});
}

void SqliteJournal::copy(std::function<void(Result<net::Fd>)> made) {
  CRIER_CHECK(writer_ && !copy_made_);
  copy_made_ = std::move(made);
  writer_->copy(options_.path + ".copy-" + std::to_string(::getpid()));
}

bool SqliteJournal::disk_is_silent() const {
  return under_way_ > 0 && after_ms(handed_over_, options_.silent_ms) <= net::Loop::now();
}

void SqliteJournal::watch() {
  const bool silent = disk_is_silent();
  if (silent == std::exchange(silence_was_said_, silent)) return;
  if (silent) {
    parts_.log.warning("journal's disk does not answer: publishers wait for it",
                       {{"path", options_.path}});
  } else {
    parts_.log.info("journal's disk answers again", {{"path", options_.path}});
  }
}

void SqliteJournal::finish() {
  if (!writer_) return;
  flush();
  const std::chrono::milliseconds patience(options_.silent_ms);
  bool told = false;
  const auto tell = [&] {
    if (std::exchange(told, true)) return;
    parts_.log.warning("the end waits for the journal's disk", {{"path", options_.path}});
  };
  while (under_way_ > 0) {
    if (!writer_->wait_for_report(patience)) tell();
    take_reports();
  }
  if (!writer_->close_within(patience)) tell();
  writer_->close();
  take_reports();
  writer_.reset();
}

// --- what the thread reports ---

void SqliteJournal::take_reports() {
  if (!writer_) return;
  for (JournalReport& report : writer_->take_reports()) {
    std::visit([this](auto& known) { on_report(known); }, report);
  }
  note_size();
  note_pending();
  flush();  // What was collected meanwhile.
}

void SqliteJournal::on_report(BatchCommitted& report) {
  const JournalBatch& batch = report.batch;
  under_way_ = 0;
  last_ = batch.last;
  since_survey_ += batch.body.size();
  const std::uint64_t us = net::Loop::now().us - handed_over_.us;
  stats_.commits.observe(us);
  stats_.last_commit_us.set(us);
  stats_.events.add(batch.last - batch.first + 1);
  stats_.written_bytes.add(batch.body.size());
  publish(batch);
  std::uint64_t next = batch.first;
  for (const JournalBatch::Group& group : batch.groups) {
    sequences_.resize(group.events);
    std::iota(sequences_.begin(), sequences_.end(), next);
    next += group.events;
    client_->on_appended(sequences_);
  }
  if (report.dropped_through > 0) client_->on_dropped(report.dropped_through);
}

void SqliteJournal::on_report(BatchFailed& report) {
  under_way_ = 0;
  note_failure(report.detail);
  fail_all(report.why, &report.batch);
}

void SqliteJournal::on_report(JournalBroken& report) {
  note_failure(report.detail);
  fail_all(report.why, nullptr);
}

void SqliteJournal::on_report(JournalWorks& report) {
  failing_.reset();
  parts_.log.info("journal can be written again",
                  {{"path", options_.path}, {"recovered", report.recovered.has_value()}});
  if (!report.recovered) return;
  const JournalBatch& batch = *report.recovered;
  last_ = batch.last;
  publish(batch);
  BatchReader parts(batch.body, batch.first, batch.last);
  for (BatchPart part = parts.next(); part != BatchPart::end; part = parts.next()) {
    if (part != BatchPart::key) continue;
    client_->on_recovered_key(parts.key(), parts.content(), parts.answer(),
                              batch.groups.front().accepted);
  }
}

void SqliteJournal::on_report(JournalLost& report) {
  lost_ = true;
  parts_.log.error(
      "journal is not what crier wrote: crier ends, and reads it again at the next start",
      {{"path", options_.path}, {"error", report.detail}});
  parts_.lost();
}

void SqliteJournal::on_report(CompactionDone& /*report*/) {
  compacting_ = false;
  kept_then_ = writer_->batch_bytes();
}

void SqliteJournal::on_report(CopyMade& report) {
  if (const auto made = std::exchange(copy_made_, {})) made(std::move(report.file));
}

// Makes the events of a batch visible.
void SqliteJournal::publish(const JournalBatch& batch) {
  BatchReader parts(batch.body, batch.first, batch.last);
  auto group = batch.groups.begin();
  std::size_t of_group = 0;
  for (BatchPart part = parts.next(); part != BatchPart::end; part = parts.next()) {
    if (part != BatchPart::event) continue;
    if (of_group == group->events) {
      ++group;
      of_group = 0;
    }
    ++of_group;
    client_->on_committed(parts.event(), parts.sequence(), group->accepted);
  }
}

void SqliteJournal::fail_all(JournalFailure why, const JournalBatch* batch) {
  failing_ = why;
  const std::size_t groups = (batch == nullptr ? 0 : batch->groups.size()) + groups_.size();
  collected_.take();
  groups_.clear();
  stats_.failed[static_cast<std::size_t>(why)].add(groups);
  for (std::size_t i = 0; i < groups; ++i) client_->on_appended(std::unexpected(why));
}

void SqliteJournal::note_failure(const std::string& detail) {
  if (failing_) return;  // It was said.
  parts_.log.error("journal failed: publishers are refused until it can be written",
                   {{"path", options_.path}, {"error", detail}});
}

void SqliteJournal::note_size() {
  stats_.batch_bytes.set(writer_->batch_bytes());
  stats_.file_bytes.set(writer_->file_bytes());
}

void SqliteJournal::note_pending() {
  stats_.pending_bytes.set(collected_.bytes() + under_way_);
}

}  // namespace crier::cmd
