// What a store does in shares, because commits wait for them: compaction and copies.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "cmd/journal/compaction.h"
#include "cmd/journal/journal_store.h"
#include "core/crc32c.h"

namespace crier::cmd {
namespace {

constexpr std::size_t kShareBatches = 256;
constexpr int kSharePages = 256;

struct Row {
  std::uint64_t first, last, wall_ms;
  std::uint32_t sum;
};

Stored<std::vector<Row>> rows_of_share(const Database& database, const Compaction& work) {
  auto select = Statement::prepare(database,
                                   "SELECT first, last, time, crc FROM batches WHERE first > ? AND "
                                   "first <= ? ORDER BY first LIMIT ?");
  if (!select) return std::unexpected(std::move(select.error()));
  select->bind(work.at).bind(work.through()).bind(std::uint64_t{kShareBatches});
  std::vector<Row> rows;
  for (;;) {
    const auto more = select->next();
    if (!more) return std::unexpected(more.error());
    if (!*more) return rows;
    rows.push_back({select->number(0), select->number(1), select->number(2),
                    static_cast<std::uint32_t>(select->number(3))});
  }
}

// Removes batches, or writes them again, within a transaction.
class Rewriter {
 public:
  explicit Rewriter(const Database& database) : database_(database) {}

  [[nodiscard]] Stored<void> prepare() {
    const std::pair<Statement&, const char*> statements[] = {
        {body_, "SELECT body FROM batches WHERE first = ?"},
        {update_, "UPDATE batches SET crc = ?, body = ? WHERE first = ?"},
        {remove_, "DELETE FROM batches WHERE first = ?"}};
    return prepare_all(database_, statements);
  }

  [[nodiscard]] Stored<void> look_at(const Row& row, const Compaction& work, StoreState& next) {
    if (row.last > work.through() || work.all_live(row.first, row.last)) return {};
    const auto more = body_.bind(row.first).next();
    if (!more) return std::unexpected(more.error());
    const StoredBatch batch{row.first, row.last, row.wall_ms, body_.bytes(0)};
    const std::size_t size = batch.body.size();
    // Damage since the start is left for the next one, which tells of it.
    const auto rewritten = checksum_of(batch) == row.sum ? work.rewritten(batch) : std::nullopt;
    body_.reset();
    read_ += size;
    if (!rewritten) return {};
    next.rows_sum ^= row.sum;
    next.bytes -= std::min(next.bytes, cost_of(size));
    if (rewritten->empty()) {
      --next.rows;
      return remove_.bind(row.first).run();
    }
    const std::uint32_t sum = checksum_of({row.first, row.last, row.wall_ms, *rewritten});
    next.rows_sum ^= sum;
    next.bytes += cost_of(rewritten->size());
    return update_.bind(std::uint64_t{sum}).bind_bytes(*rewritten).bind(row.first).run();
  }

  std::size_t read() const { return read_; }

 private:
  const Database& database_;
  Statement body_, update_, remove_;
  std::size_t read_ = 0;
};

}  // namespace

Stored<bool> JournalStore::compact(Compaction& work, std::size_t bytes) {
  work.at = std::max(work.at, std::exchange(compacted_to_, 0));
  const Database& database = connection_->database;
  const auto rows = rows_of_share(database, work);
  if (!rows) return std::unexpected(rows.error());
  Rewriter rewriter(database);
  if (auto ready = rewriter.prepare(); !ready) return std::unexpected(std::move(ready.error()));
  std::uint64_t at = work.at;
  bool complete = rows->size() < kShareBatches;
  const auto share = [&](StoreState& next) -> Stored<void> {
    if (!work.remembered().empty()) {
      auto keep = Statement::prepare(database, kWriteRemembered);
      if (!keep) return std::unexpected(std::move(keep.error()));
      if (auto kept = keep->bind_bytes(work.remembered()).run(); !kept) return kept;
      next.remembered_sum = crc32c(work.remembered());
    }
    for (const Row& row : *rows) {
      if (rewriter.read() > bytes) {
        complete = false;
        break;
      }
      if (auto done = rewriter.look_at(row, work, next); !done) return done;
      at = row.first;
    }
    auto progress = Statement::prepare(database, kWriteProgress);
    if (!progress) return std::unexpected(std::move(progress.error()));
    return progress->bind(complete ? 0 : at).run();
  };
  // Nobody waits for it, and a commit that syncs brings it to the disk, too.
  auto done = database.run("PRAGMA synchronous = NORMAL");
  if (done) done = transact(state_, share);
  if (done && !options_.interval) done = database.run("PRAGMA synchronous = FULL");
  if (!done) return std::unexpected(std::move(done.error()));
  work.at = at;
  work.remembered_is_written();
  return complete;
}

// --- copies ---

Stored<StoreCopy> JournalStore::begin_copy(const std::string& path) const {
  StoreCopy copy;
  ::unlink(path.c_str());  // Of a process that ended before it did.
  copy.file_ = net::Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!copy.file_) return std::unexpected(system_error("create " + path));
  auto target = Database::open(path, options_.vfs);
  if (!target) return std::unexpected(std::move(target.error()));
  copy.target_ = std::move(*target);
  const auto set = copy.target_.run("PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF");
  if (!set) return std::unexpected(set.error());
  copy.backup_.reset(
      sqlite3_backup_init(copy.target_.raw(), "main", connection_->database.raw(), "main"));
  if (!copy.backup_) return std::unexpected(copy.target_.error("copy to " + path));
  return copy;
}

Stored<bool> StoreCopy::step() {
  const int code = sqlite3_backup_step(backup_.get(), kSharePages);
  if (code == SQLITE_OK) return false;
  backup_.reset();
  if (code != SQLITE_DONE) return std::unexpected(target_.error("copy"));
  target_ = {};
  return true;
}

}  // namespace crier::cmd
