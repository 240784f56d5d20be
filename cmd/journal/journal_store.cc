#include "cmd/journal/journal_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "broadcast/log/remembered.h"
#include "cmd/journal/compaction.h"
#include "cmd/journal/journal_file.h"
#include "cmd/system/drawn.h"
#include "core/check.h"
#include "core/crc32c.h"
#include "net/socket/os_error.h"

namespace crier::cmd {
namespace {

// The write-ahead log is emptied when it has so many pages of 4 KiB.
constexpr int kWalPages = 2'000;

// Secrets of the log, and an epoch.
broadcast::JournalIdentity new_identity() {
  return {Epoch::from_random(drawn<std::uint64_t>()), drawn<HashKey>(), drawn<HashKey>()};
}

std::array<char, 36> boot_id() {
  std::array<char, 36> id{};
  std::ifstream("/proc/sys/kernel/random/boot_id").read(id.data(), id.size());
  return id;
}

std::unexpected<StoreError> damage(std::string what) {
  return std::unexpected(StoreError{StoreFailure::damaged, std::move(what)});
}

}  // namespace

// --- opening ---

std::unexpected<Error> JournalStore::refusal(const std::string& path, const StoreError& error) {
  const std::string what = "the journal " + path + ": " + error.detail;
  switch (error.kind) {
    case StoreFailure::no_space:
      return fail(Errc::os, what + "; make room on its file system");
    case StoreFailure::locked:
      return fail(Errc::address_in_use, what + "; another program has it open");
    case StoreFailure::damaged:
      return fail(Errc::os,
                  what + "; move it away to begin a new one, or put a backup in its place");
    case StoreFailure::io_error:
      break;
  }
  return fail(Errc::os, what);
}

Result<JournalStore> JournalStore::open(StoreOptions options) {
  const auto real = real_path(options.path);
  if (!real) return std::unexpected(real.error());
  const std::string& path = options.path = *real;
  if (!options.create) {
    const auto exists = journal_exists(path);
    if (!exists) return std::unexpected(exists.error());
    if (!*exists) return fail(Errc::not_found, "there is no journal " + path);
  }
  auto head = HeadFile::open(head_of(path));
  if (!head && head.error().code == Errc::address_in_use) {
    return fail(Errc::address_in_use, "the journal " + path +
                                          " is in use by another process: stop that one, or give "
                                          "each daemon a journal.path of its own");
  }
  if (std::error_code error;
      !head && std::filesystem::exists(head_of(path), error) &&
      !std::filesystem::is_regular_file(std::filesystem::symlink_status(head_of(path)))) {
    return fail(Errc::os, head_of(path) + " is not a file: move it away, and the start begins a " +
                              "new epoch of the journal");
  }
  if (!head) {
    return fail(head.error().code, head.error().detail +
                                       ": the directory of journal.path must exist and be writable "
                                       "for the user crier runs as");
  }
  JournalStore store(std::move(options), std::move(*head));
  if (auto ready = store.find_or_create(); !ready) return std::unexpected(std::move(ready.error()));
  auto state = store.connect();
  if (!state) return refusal(path, state.error());
  auto found = store.read_state();
  if (!found) return refusal(path, found.error());
  if (*found) store.state_ = **found;
  store.file_epoch_ = store.state_.identity.epoch;
  store.choose_epoch(found->has_value());
  return store;
}

Result<void> JournalStore::find_or_create() {
  const auto exists = journal_exists(options_.path);
  if (!exists) return std::unexpected(exists.error());
  if (!*exists) {
    state_.identity = new_identity();
    state_.clean = true;
    // SQLite would take the write-ahead log of a file that is gone for this one's.
    ::unlink(wal_of(options_.path).c_str());
    const std::string fresh = options_.path + ".new";
    if (auto made = create_database(fresh, state_, options_.vfs); !made) {
      return refusal(options_.path, made.error());
    }
    created_ = true;
    if (head_.found()) new_epoch_because_ = "the file was missing";
    if (!head_.write_synced({state_.identity.epoch, 0}) ||
        std::rename(fresh.c_str(), options_.path.c_str()) != 0 ||
        !sync_directory_of(options_.path)) {
      return net::os_failure("cannot create the journal " + options_.path);
    }
  }
  struct stat info{};
  if (::stat(options_.path.c_str(), &info) != 0) {
    return net::os_failure("cannot look at the journal " + options_.path);
  }
  file_ = {info.st_dev, info.st_ino};
  // A command of root must not leave a file that the daemon cannot open.
  if (::geteuid() == 0) head_.give_to(info.st_uid, info.st_gid);
  return {};
}

Stored<void> JournalStore::connect() {
  connection_.reset();
  auto database = Database::open(options_.path, options_.vfs);
  if (!database) return std::unexpected(std::move(database.error()));
  Connection connection{.database = std::move(*database)};
  const Database& opened = connection.database;
  // Before the first read, so that the index of the write-ahead log is in memory and not in a file.
  auto set = opened.run(
      "PRAGMA locking_mode = EXCLUSIVE;"
      "PRAGMA journal_mode = WAL;"
      "PRAGMA cache_size = -128;"
      "PRAGMA journal_size_limit = 16777216;"
      "PRAGMA temp_store = MEMORY;"
      "PRAGMA secure_delete = OFF;"
      "PRAGMA cell_size_check = ON;"
      "PRAGMA trusted_schema = OFF;",
      "with its write-ahead log " + wal_of(options_.path));
  if (set)
    set =
        opened.run(options_.interval ? "PRAGMA synchronous = NORMAL" : "PRAGMA synchronous = FULL");
  if (!set) return set;
  *wal_ = {};
  const auto count = [](void* size, sqlite3* /*handle*/, const char* /*name*/, int pages) {
    static_cast<WalSize*>(size)->pages = pages;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(opened.raw(), count, wal_.get());  // Instead of SQLite's own checkpoints.
  const std::pair<Statement&, const char*> statements[] = {
      {connection.begin, "BEGIN IMMEDIATE"},
      {connection.end, "COMMIT"},
      {connection.insert, kInsertBatch},
      {connection.write_state, kWriteState},
      {connection.oldest,
       "SELECT first, last, crc, length(body) FROM batches ORDER BY first LIMIT 1"},
      {connection.remove, "DELETE FROM batches WHERE first = ?"}};
  if (set = prepare_all(opened, statements); !set) return set;
  connection_ = std::move(connection);
  log_ = number_of(wal_of(options_.path));
  return {};
}

Stored<std::optional<StoreState>> JournalStore::read_state() const {
  auto read = Statement::prepare(connection_->database, "SELECT body FROM state WHERE id = 1");
  if (!read) return std::unexpected(std::move(read.error()));
  const auto row = read->next();
  if (!row && row.error().kind != StoreFailure::damaged) return std::unexpected(row.error());
  if (!row || !*row) return std::nullopt;
  return read_store_state(read->bytes(0));
}

void JournalStore::choose_epoch(bool state_is_good) {
  if (created_) return;
  const auto& head = head_.found();
  if (!state_is_good) {
    state_ = {.identity = new_identity()};
    file_epoch_ = state_.identity.epoch;
    new_epoch_because_ = "what the file says of itself is damaged";
  } else if (!head) {
    begin_epoch(head_of(options_.path) + " is missing, empty or damaged");
  } else if (head->epoch != state_.identity.epoch) {
    begin_epoch(head_of(options_.path) + " belongs to another journal");
  } else if (head->last > state_.last) {
    begin_epoch("committed events are missing, " + std::to_string(state_.last + 1) + " to " +
                std::to_string(head->last));
    state_.last = head->last;
  } else if (state_.interval && !state_.clean && state_.boot_id != boot_id()) {
    begin_epoch("the machine ended before all events were on the disk");
  }
}

void JournalStore::begin_epoch(std::string because) {
  state_.identity.epoch = Epoch::from_random(drawn<std::uint64_t>());
  new_epoch_because_ = std::move(because);
}

Stored<void> JournalStore::begin_use() {
  if (damaged_ > 0) {
    if (auto done = salvage(); !done) return done;
  }
  auto done = mark_used();
  // Pages that no batch is on may be damaged, too.
  if (done || done.error().kind != StoreFailure::damaged) return done;
  if (auto saved = salvage(); !saved) return saved;
  return mark_used();
}

Stored<void> JournalStore::mark_used() {
  StoreState next = state_;
  next.clean = false;
  next.interval = options_.interval;
  next.boot_id = boot_id();
  preallocate_wal(options_.path, options_.wal_bytes);
  return write_synced(next);
}

// --- committing ---

Stored<void> JournalStore::transact(StoreState next, const Work& work) {
  if (auto begun = connection_->begin.run(); !begun) return begun;
  Stored<void> done = work(next);
  if (done) done = write_state(next);
  if (done) done = connection_->end.run();
  if (done) {
    state_ = next;
    return done;
  }
  attempted_ = next;
  if (done.error().kind == StoreFailure::damaged) ++damaged_;  // Since load(): for reopen().
  return done;
}

Stored<void> JournalStore::write_state(const StoreState& state) {
  return connection_->write_state.bind_bytes(to_bytes(state)).run();
}

Stored<void> JournalStore::write_synced(const StoreState& state) {
  const Database& database = connection_->database;
  if (auto set = database.run("PRAGMA synchronous = FULL"); !set) return set;
  if (auto done = transact(state, [](StoreState&) { return Stored<void>(); }); !done) return done;
  if (!head_.write_synced({state_.identity.epoch, state_.last})) {
    return std::unexpected(system_error("write " + head_of(options_.path)));
  }
  return options_.interval ? database.run("PRAGMA synchronous = NORMAL") : Stored<void>();
}

Stored<std::uint64_t> JournalStore::commit(const StoredBatch& batch) {
  CRIER_CHECK(batch.first > state_.last && batch.last >= batch.first);
  if (auto same = same_files(); !same) return std::unexpected(std::move(same.error()));
  const std::uint32_t sum = checksum_of(batch);
  std::uint64_t dropped_through = 0;
  const auto done = transact(state_, [&](StoreState& next) -> Stored<void> {
    auto dropped = drop_oldest(next, cost_of(batch.body.size()));
    if (!dropped) return std::unexpected(std::move(dropped.error()));
    dropped_through = *dropped;
    next.last = batch.last;
    next.bytes += cost_of(batch.body.size());
    ++next.rows;
    next.rows_sum ^= sum;
    return connection_->insert.bind(batch.first)
        .bind(batch.last)
        .bind(batch.wall_ms)
        .bind(std::uint64_t{sum})
        .bind_bytes(batch.body)
        .run();
  });
  if (!done) return std::unexpected(done.error());
  if (!head_.write({state_.identity.epoch, state_.last})) {
    return std::unexpected(system_error("write " + head_of(options_.path)));
  }
  return dropped_through;
}

Stored<std::uint64_t> JournalStore::drop_oldest(StoreState& next, std::uint64_t new_bytes) {
  if (options_.bytes_max == 0) return 0;
  std::uint64_t dropped_through = 0;
  while (next.rows > 0 && next.bytes + new_bytes > options_.bytes_max) {
    auto more = connection_->oldest.next();
    if (!more) return std::unexpected(std::move(more.error()));
    if (!*more) return damage("fewer batches than its state says");
    const std::uint64_t first = connection_->oldest.number(0);
    dropped_through = connection_->oldest.number(1);
    next.rows_sum ^= static_cast<std::uint32_t>(connection_->oldest.number(2));
    next.bytes -= std::min(next.bytes, cost_of(connection_->oldest.number(3)));
    connection_->oldest.reset();
    if (auto done = connection_->remove.bind(first).run(); !done) {
      return std::unexpected(std::move(done.error()));
    }
    --next.rows;
  }
  next.floor = std::max(next.floor, dropped_through);
  return dropped_through;
}

Stored<void> JournalStore::sync() {
  return write_synced(state_);
}

Stored<void> JournalStore::checkpoint() {
  if (wal_->pages < kWalPages) return {};
  auto moved = move_pages(SQLITE_CHECKPOINT_PASSIVE);
  if (moved) wal_->pages = 0;
  return moved;
}

Stored<void> JournalStore::move_pages(int how) const {
  const Database& database = connection_->database;
  if (sqlite3_wal_checkpoint_v2(database.raw(), nullptr, how, nullptr, nullptr) != SQLITE_OK) {
    return std::unexpected(database.error("checkpoint"));
  }
  return {};
}

// --- the end, and what comes in between ---

std::uint64_t JournalStore::file_bytes() const {
  std::uint64_t bytes = 0;
  for (const std::string& path : {options_.path, wal_of(options_.path)}) {
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0) bytes += static_cast<std::uint64_t>(info.st_size);
  }
  return bytes;
}

Stored<void> JournalStore::close() {
  if (auto done = lock_again(); !done) return done;
  StoreState next = state_;
  next.clean = true;
  if (auto done = write_synced(next); !done) return done;
  if (auto moved = move_pages(SQLITE_CHECKPOINT_TRUNCATE); !moved) return moved;
  connection_.reset();
  if (!same_log()) ::unlink(wal_of(options_.path).c_str());
  return {};
}

}  // namespace crier::cmd
