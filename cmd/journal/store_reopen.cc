// What a store does when a call has failed, or when its files are no longer what they were.
#include <unistd.h>

#include <utility>

#include "cmd/journal/journal_file.h"
#include "cmd/journal/journal_store.h"

namespace crier::cmd {
namespace {

class NoVisitor final : public StoreVisitor {
  void on_remembered(const broadcast::Remembered& /*remembered*/) override {}
  void on_batch(const StoredBatch& /*batch*/) override {}
  void on_hole(std::uint64_t /*through*/) override {}
};

}  // namespace

Stored<void> JournalStore::same_file() const {
  if (number_of(options_.path) == file_) return {};
  return std::unexpected(
      StoreError{.detail = options_.path + " was removed or replaced: restart crier"});
}

bool JournalStore::same_log() const {
  return number_of(wal_of(options_.path)) == log_;
}

// Without its log the file lacks the newest batches, so they are moved there first.
Stored<void> JournalStore::same_files() const {
  auto done = same_file();
  if (done && !same_log()) {
    done = move_pages(SQLITE_CHECKPOINT_TRUNCATE);
    if (done) {
      done =
          std::unexpected(StoreError{.detail = wal_of(options_.path) + " was removed or replaced"});
    }
  }
  if (done && !head_.is_at(head_of(options_.path))) {
    done =
        std::unexpected(StoreError{.detail = head_of(options_.path) + " was removed or replaced"});
  }
  return done;
}

Stored<void> JournalStore::lock_again() {
  if (head_.is_at(head_of(options_.path))) return {};
  auto head = HeadFile::open(head_of(options_.path));
  if (!head) return std::unexpected(StoreError{.detail = std::move(head.error().detail)});
  head_ = std::move(*head);
  return {};
}

Stored<bool> JournalStore::reopen() {
  connection_.reset();
  if (!same_log()) ::unlink(wal_of(options_.path).c_str());
  auto done = same_file();
  if (done) done = lock_again();
  if (done) done = connect();
  if (done && damaged_ > 0) {
    NoVisitor nobody;
    done = load(nobody);
    if (done) done = salvage();
  }
  if (!done) return std::unexpected(std::move(done.error()));
  auto found = read_state();
  if (!found) return std::unexpected(std::move(found.error()));
  if (!*found || (*found)->identity.epoch != state_.identity.epoch) return false;
  const bool as_before = to_bytes(**found) == to_bytes(state_);
  (*found)->bytes = as_before ? state_.bytes : attempted_.bytes;
  state_ = **found;
  // Writes to the file, and waits for, what a failed sync may have left only in memory.
  done = move_pages(SQLITE_CHECKPOINT_TRUNCATE);
  preallocate_wal(options_.path, options_.wal_bytes);
  if (done) done = write_synced(state_);
  if (!done) return std::unexpected(std::move(done.error()));
  return true;
}

}  // namespace crier::cmd
