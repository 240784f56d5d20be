// Loading, and what comes of damage.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>

#include "broadcast/log/remembered.h"
#include "cmd/journal/journal_file.h"
#include "cmd/journal/journal_store.h"
#include "core/crc32c.h"

namespace crier::cmd {
namespace {

constexpr const char* kReadRemembered = "SELECT body FROM remembered WHERE id = 1";
constexpr const char* kOpenAlone =
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; BEGIN";

}  // namespace

// What is remembered, as bytes; empty: nothing, or it is damaged, which `good` says.
Stored<std::string> JournalStore::read_remembered(bool& good) const {
  good = state_.remembered_sum == 0;
  auto read = Statement::prepare(connection_->database, kReadRemembered);
  if (!read) return std::unexpected(std::move(read.error()));
  const auto row = read->next();
  if (!row && row.error().kind != StoreFailure::damaged) return std::unexpected(row.error());
  if (!row || !*row) return std::string();
  std::string bytes(read->bytes(0));
  good = crc32c(bytes) == state_.remembered_sum && broadcast::read_remembered(bytes).has_value();
  return good ? bytes : std::string();
}

Stored<void> JournalStore::load(StoreVisitor& visitor) {
  bool good = false;
  const auto remembered = read_remembered(good);
  if (!remembered) return std::unexpected(remembered.error());
  const auto parsed = broadcast::read_remembered(*remembered);
  visitor.on_remembered(parsed.value_or(broadcast::Remembered{}));
  BatchScan scan(connection_->database);
  std::uint64_t hole = state_.floor;
  state_.bytes = 0;
  for (;;) {
    const auto batch = scan.next();
    if (!batch) return std::unexpected(batch.error());
    if (!*batch) break;
    if (scan.after_damage()) hole = std::max(hole, (*batch)->first - 1);
    state_.bytes += cost_of((*batch)->body.size());
    visitor.on_batch(**batch);
  }
  auto progress = Statement::prepare(connection_->database, kReadProgress);
  if (progress && progress->next().value_or(false)) compacted_to_ = progress->number(0);
  state_.last = std::max(state_.last, scan.last());
  damaged_ = scan.damaged();
  // A batch is gone without a trace, or what the file says of itself, or what was remembered.
  const bool vanished =
      scan.damaged() == 0 && (scan.rows() != state_.rows || scan.rows_sum() != state_.rows_sum);
  if (vanished || !good) ++damaged_;
  if (vanished || !good || scan.after_damage()) hole = state_.last;
  state_.rows = scan.rows();
  state_.rows_sum = scan.rows_sum();
  state_.floor = hole;
  if (hole > 0) visitor.on_hole(hole);
  return {};
}

Stored<void> JournalStore::exchange_files(const std::string& fresh) {
  connection_.reset();
  struct stat owner{};
  if (::stat(options_.path.c_str(), &owner) != 0 ||
      ::chown(fresh.c_str(), owner.st_uid, owner.st_gid) != 0) {
    return std::unexpected(system_error("give " + fresh + " to its owner"));
  }
  // The damaged file keeps its name until the good one takes it.
  const std::string name = options_.path + ".damaged-" + std::to_string(std::time(nullptr));
  damaged_copy_ = name;
  for (int n = 2; ::link(options_.path.c_str(), damaged_copy_.c_str()) != 0; ++n) {
    if (errno != EEXIST) return std::unexpected(system_error("link " + damaged_copy_));
    damaged_copy_ = name + "-" + std::to_string(n);
  }
  std::rename(wal_of(options_.path).c_str(), wal_of(damaged_copy_).c_str());
  if (std::rename(fresh.c_str(), options_.path.c_str()) != 0) {
    return std::unexpected(system_error("rename " + fresh));
  }
  if (!sync_directory_of(options_.path)) {
    return std::unexpected(system_error("sync the directory of " + options_.path));
  }
  return {};
}

Stored<void> JournalStore::salvage() {
  // Ends a transaction that found the damage.
  if (auto again = connect(); !again) return again;
  // So that no batch is in the write-ahead log alone, which is the damaged file's, while the files
  // change their names.
  if (auto moved = move_pages(SQLITE_CHECKPOINT_TRUNCATE); !moved) return moved;
  const std::string fresh = options_.path + ".salvage";
  bool good = false;
  const auto remembered = read_remembered(good);
  if (!remembered) return std::unexpected(remembered.error());
  StoreState next = state_;
  next.remembered_sum = remembered->empty() ? 0 : crc32c(*remembered);
  if (auto made = create_database(fresh, next, options_.vfs); !made) return made;
  {
    auto target = Database::open(fresh, options_.vfs);
    if (!target) return std::unexpected(std::move(target.error()));
    if (auto begun = target->run(kOpenAlone); !begun) return begun;
    auto keep = Statement::prepare(*target, kWriteRemembered);
    auto insert = Statement::prepare(*target, kInsertBatch);
    if (!keep || !insert) return std::unexpected(target->error("salvage"));
    if (!remembered->empty()) {
      if (auto done = keep->bind_bytes(*remembered).run(); !done) return done;
    }
    BatchScan scan(connection_->database);
    for (;;) {
      const auto batch = scan.next();
      if (!batch) return std::unexpected(batch.error());
      if (!*batch) break;
      insert->bind((*batch)->first).bind((*batch)->last).bind((*batch)->wall_ms);
      if (auto done = insert->bind(std::uint64_t{scan.sum()}).bind_bytes((*batch)->body).run();
          !done) {
        return done;
      }
    }
    // Less may be readable than load() could read.
    if (scan.rows_sum() != next.rows_sum) next.floor = next.last;
    next.rows = scan.rows();
    next.rows_sum = scan.rows_sum();
    auto state = Statement::prepare(*target, kWriteState);
    if (!state) return std::unexpected(std::move(state.error()));
    if (auto done = state->bind_bytes(to_bytes(next)).run(); !done) return done;
    if (auto done = target->run("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)"); !done) return done;
  }
  ::unlink(wal_of(fresh).c_str());
  if (auto done = exchange_files(fresh); !done) return done;
  if (auto found = find_or_create(); !found) {
    return std::unexpected(StoreError{.detail = found.error().detail});
  }
  damaged_ = 0;
  state_ = next;
  return connect();
}

}  // namespace crier::cmd
