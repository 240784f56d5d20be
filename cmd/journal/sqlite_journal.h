// The journal in a file of SQLite: what was answered outlives the process and, with
// `sync_each_commit`, the machine.
//
// While a thread writes one batch (journal_writer.h), the next one collects: the longer the disk
// takes, the more groups share a commit. If a commit fails, its groups and all that were collected
// fail, and so does each group until the file can be written again. A failed batch that is found in
// the file then becomes visible late, and its keys are known: a publisher that repeats it gets its
// first answer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broadcast/log/journal.h"
#include "broadcast/log/journal_batch.h"
#include "cmd/journal/journal_stats.h"
#include "cmd/journal/journal_store.h"
#include "cmd/journal/journal_writer.h"
#include "core/log.h"
#include "core/result.h"
#include "net/loop/loop.h"
#include "net/socket/fd.h"

namespace crier::cmd {

struct SqliteJournalOptions {
  std::string path;
  bool sync_each_commit = true;           // false: a group is answered before it is on the disk,
  std::uint64_t sync_ms = 1'000;          // and is there at most so much later.
  std::uint64_t bytes_max = 0;            // Of the file, about; 0: no bound.
  std::uint64_t idempotency_seconds = 0;  // How long a key counts.
  std::uint32_t silent_ms = 5'000;        // A disk that takes longer does not answer.
  const char* vfs = nullptr;              // Of SQLite, for tests.
};

// All outlive the journal.
struct JournalParts {
  net::Loop& loop;
  LogSink& log;
  // Called once, in a turn of the loop, if nobody can tell any more which sequences are in use. The
  // daemon then has to end, and to load the journal anew.
  std::function<void()> lost;
};

class SqliteJournal final : public broadcast::Journal {
 public:
  // Opens the file, creates it if it is missing, and locks it. The error says what to do.
  [[nodiscard]] static Result<std::unique_ptr<SqliteJournal>> open(SqliteJournalOptions options,
                                                                   JournalParts parts);

  const broadcast::JournalIdentity& identity() const override { return identity_; }
  [[nodiscard]] Result<void> load(broadcast::JournalReader& reader) override;
  void connect(broadcast::JournalClient& client) override { client_ = &client; }
  [[nodiscard]] std::optional<broadcast::Appended> append(const broadcast::Group& group) override;
  void flush() override;
  bool wants_survey() const override;
  void compact(broadcast::Survey survey) override;
  std::optional<broadcast::JournalFailure> failing() const override { return failing_; }
  void finish() override;

  // Makes a copy of the file, from which a start begins a new epoch. Calls `made` in a later turn
  // with it, open for reading and without a name, or with why there is none. One at a time.
  void copy(std::function<void(Result<net::Fd>)> made);

  // Whether the disk has not answered for options.silent_ms.
  bool disk_is_silent() const;
  // To be called now and then: says it when that begins and ends.
  void watch();

  const JournalStats& stats() const { return stats_; }

 private:
  SqliteJournal(SqliteJournalOptions options, JournalParts parts, JournalStore store);

  std::uint64_t wall_ms(Instant now);
  void take_reports();
  void on_report(BatchCommitted& report);
  void on_report(BatchFailed& report);
  void on_report(JournalBroken& report);
  void on_report(JournalWorks& report);
  void on_report(JournalLost& report);
  void on_report(CompactionDone& report);
  void on_report(CopyMade& report);
  void publish(const JournalBatch& batch);
  void fail_all(broadcast::JournalFailure why, const JournalBatch* batch);
  void note_failure(const std::string& detail);
  void note_size();
  void note_pending();

  SqliteJournalOptions options_;
  JournalParts parts_;
  broadcast::JournalIdentity identity_;
  std::optional<JournalStore> store_;  // Until the writer has it.
  std::optional<JournalWriter> writer_;
  broadcast::JournalClient* client_ = nullptr;

  broadcast::BatchWriter collected_;
  std::vector<JournalBatch::Group> groups_;  // Of what was collected.
  std::size_t under_way_ = 0;                // Bytes of the batch that is written; 0: none is.
  Instant handed_over_;                      // That batch.
  bool silence_was_said_ = false;
  std::uint64_t last_ = 0;  // The last sequence that was given.
  std::uint64_t last_wall_ms_ = 0;
  Instant last_wall_at_;
  std::optional<broadcast::JournalFailure> failing_;
  bool lost_ = false;
  bool compacting_ = false;
  std::uint64_t since_survey_ = 0;  // Bytes that were written, or loaded.
  std::uint64_t kept_then_ = 0;     // Bytes of batches after the last compaction.
  std::vector<std::uint64_t> sequences_;
  std::function<void(Result<net::Fd>)> copy_made_;
  JournalStats stats_;
};

}  // namespace crier::cmd
