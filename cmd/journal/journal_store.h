// The file of a journal: a SQLite database that is used as a log. One row holds a committed batch,
// one row what the file says of itself (store_state.h), and one what the log remembers of events
// that are gone.
//
//   open()            locks the file; creates it if it is missing; says which epoch it is
//   load()            hands out what it keeps, and what is damaged
//   begin_use()       writes the epoch, before the first commit
//   commit()…         one batch each
//   close()           all is on the disk, and the next start knows it
//
// The epoch is the one of before only if nothing that was ever committed can be missing at the end:
// SQLite drops a damaged end of its write-ahead log without a word, and a file may have been
// replaced by an older one. So `<path>.head` (head_file.h) holds the last sequence, too.
//
// After an error of commit(), sync(), compact() or copy() nothing may be called but reopen(), which
// tells what the file really holds. An error of a sync is never tried again on the same handle: the
// kernel may have dropped the pages.
//
// Belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broadcast/log/journal.h"
#include "cmd/journal/batch_scan.h"
#include "cmd/journal/head_file.h"
#include "cmd/journal/journal_file.h"
#include "cmd/journal/sqlite.h"
#include "cmd/journal/store_state.h"
#include "core/result.h"
#include "net/socket/fd.h"

namespace crier::cmd {

struct StoreOptions {
  std::string path;
  bool create = true;                     // false: a missing file is an error, not_found.
  bool interval = false;                  // commit() does not wait for the disk; sync() does.
  std::uint64_t bytes_max = 0;            // Of batches, about; 0: no bound.
  std::size_t wal_bytes = 2'100 * 4'120;  // The write-ahead log has this size from the beginning.
  const char* vfs = nullptr;              // Of SQLite, for tests.
};

// What load() calls, in order.
class StoreVisitor {
 public:
  virtual ~StoreVisitor() = default;
  virtual void on_remembered(const broadcast::Remembered& remembered) = 0;  // First, once.
  virtual void on_batch(const StoredBatch& batch) = 0;
  // Events up to `through` may be missing.
  virtual void on_hole(std::uint64_t through) = 0;
};

class Compaction;

inline constexpr const char* kInsertBatch = "INSERT INTO batches VALUES(?, ?, ?, ?, ?)";
inline constexpr const char* kWriteState = "INSERT OR REPLACE INTO state VALUES(1, ?)";
inline constexpr const char* kWriteProgress = "INSERT OR REPLACE INTO state VALUES(2, ?)";
inline constexpr const char* kReadProgress = "SELECT body FROM state WHERE id = 2";
inline constexpr const char* kWriteRemembered = "INSERT OR REPLACE INTO remembered VALUES(1, ?)";

// A copy of a store's file that is being made. Commits may go on meanwhile: it has them, too.
class StoreCopy {
 public:
  // Copies a bounded share. Returns true when the copy is complete.
  [[nodiscard]] Stored<bool> step();
  // The file, from its beginning.
  net::Fd take_file() { return std::move(file_); }

 private:
  friend class JournalStore;
  struct Finish {
    void operator()(sqlite3_backup* backup) const { sqlite3_backup_finish(backup); }
  };
  net::Fd file_;
  Database target_;
  std::unique_ptr<sqlite3_backup, Finish> backup_;
};

// What a batch takes in the file, about.
constexpr std::uint64_t cost_of(std::uint64_t body_bytes) {
  return body_bytes + body_bytes / 64 + 64;
}

class JournalStore {
 public:
  // Error: a sentence that says what to do.
  [[nodiscard]] static Result<JournalStore> open(StoreOptions options);

  // The same for an error of load() or begin_use().
  static std::unexpected<Error> refusal(const std::string& path, const StoreError& error);

  const broadcast::JournalIdentity& identity() const { return state_.identity; }
  std::uint64_t last() const { return state_.last; }
  // Why the epoch is another one than before; empty: it is not, or nothing was before.
  const std::string& new_epoch_because() const { return new_epoch_because_; }
  // The epoch in which its events were told to clients.
  const Epoch& file_epoch() const { return file_epoch_; }

  // Required once before begin_use().
  [[nodiscard]] Stored<void> load(StoreVisitor& visitor);
  // What load() found.
  std::uint64_t rows() const { return state_.rows; }
  std::uint64_t damaged() const { return damaged_; }
  std::uint64_t batch_bytes() const { return state_.bytes; }  // Of batches, at present.

  // Makes the epoch a new one, before begin_use().
  void begin_epoch(std::string because);
  // Writes the epoch. If load() found damage, the good batches move to a new file first, and the
  // damaged one is kept as `<path>.damaged-<time>`: see damaged_copy().
  [[nodiscard]] Stored<void> begin_use();
  const std::string& damaged_copy() const { return damaged_copy_; }

  // Commits a batch; its first sequence is greater than last(). Returns what was dropped, up to
  // which sequence, to stay within bytes_max; 0: nothing.
  [[nodiscard]] Stored<std::uint64_t> commit(const StoredBatch& batch);
  // Puts on the disk what was committed; for `interval`.
  [[nodiscard]] Stored<void> sync();
  // Moves pages from the write-ahead log to the file if there are many. Best called when nobody
  // waits.
  [[nodiscard]] Stored<void> checkpoint();
  // Does a share of a compaction: it reads so many bytes of batches, and one batch more at most.
  // Returns true when it is complete. The first one since load() goes on where one was cut short.
  [[nodiscard]] Stored<bool> compact(Compaction& work, std::size_t bytes);
  // Begins a copy in a file that is new. Other than this file it has no head: a start from it
  // begins a new epoch. The copy must end before reopen() or close(), done or not.
  [[nodiscard]] Stored<StoreCopy> begin_copy(const std::string& path) const;
  // Closes the file, opens it anew and makes sure that it can be written. Afterwards last() says
  // whether the batch of a failed commit() is there. Returns false if nobody can tell what the file
  // holds: it says nothing of itself, or is of another epoch. Error: not now; call it again.
  [[nodiscard]] Stored<bool> reopen();

  std::uint64_t file_bytes() const;  // Of the file and its write-ahead log.

  // All is on the disk, and the file says so. The lock is released with the object.
  [[nodiscard]] Stored<void> close();

 private:
  struct Connection {
    Database database;
    Statement begin, end, insert, write_state, oldest, remove;
  };
  // SQLite's callback has its address.
  struct WalSize {
    int pages = 0;
  };

  JournalStore(StoreOptions options, HeadFile head)
      : options_(std::move(options)), head_(std::move(head)) {}

  [[nodiscard]] Result<void> find_or_create();
  [[nodiscard]] Stored<void> connect();
  [[nodiscard]] Stored<std::optional<StoreState>> read_state() const;
  [[nodiscard]] Stored<std::string> read_remembered(bool& good) const;
  void choose_epoch(bool state_is_good);
  [[nodiscard]] Stored<void> mark_used();
  [[nodiscard]] Stored<void> salvage();
  // Gives the fresh file the journal's name, and the damaged one another.
  [[nodiscard]] Stored<void> exchange_files(const std::string& fresh);
  // Whether its files still have their names.
  [[nodiscard]] Stored<void> same_file() const;
  bool same_log() const;
  [[nodiscard]] Stored<void> lock_again();
  [[nodiscard]] Stored<void> same_files() const;
  // From the write-ahead log to the file; `how`: SQLITE_CHECKPOINT_….
  [[nodiscard]] Stored<void> move_pages(int how) const;

  // Runs `work` as a transaction that leaves the file with the state `next`.
  using Work = std::function<Stored<void>(StoreState& next)>;
  [[nodiscard]] Stored<void> transact(StoreState next, const Work& work);
  [[nodiscard]] Stored<void> write_state(const StoreState& state);
  // The same with a transaction of its own that is on the disk afterwards.
  [[nodiscard]] Stored<void> write_synced(const StoreState& state);
  [[nodiscard]] Stored<std::uint64_t> drop_oldest(StoreState& next, std::uint64_t new_bytes);

  StoreOptions options_;
  HeadFile head_;
  std::unique_ptr<WalSize> wal_ = std::make_unique<WalSize>();
  std::optional<Connection> connection_;
  StoreState state_;                // As it was committed last.
  StoreState attempted_;            // As a commit that failed would have left it.
  std::uint64_t damaged_ = 0;       // Since the file was salvaged last.
  std::uint64_t compacted_to_ = 0;  // By a compaction that the process before did not complete.
  bool created_ = false;
  std::string new_epoch_because_;
  Epoch file_epoch_;
  std::string damaged_copy_;
  FileNumber file_, log_;  // The log: SQLite's.
};

}  // namespace crier::cmd
