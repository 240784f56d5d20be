// Walks the batches of a journal's file in order, and leaves out what is damaged: a batch whose
// checksum or content is wrong, and pages that SQLite cannot read.
//
// Belongs to the thread of its database, which must outlive it and may not change meanwhile.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "cmd/journal/sqlite.h"

namespace crier::cmd {

// What a commit adds. `body` is as broadcast/log/journal_batch.h says.
struct StoredBatch {
  std::uint64_t first = 0;  // Sequences. At most 2^63 - 1, because SQLite's numbers have a sign.
  std::uint64_t last = 0;
  std::uint64_t wall_ms = 0;  // When it was accepted, since 1970.
  std::string_view body;
};

std::uint32_t checksum_of(const StoredBatch& batch);

class BatchScan {
 public:
  explicit BatchScan(const Database& database) : database_(database) {}

  // Returns the next good batch, valid until the next call, or nothing at the end. An error is
  // never damage.
  [[nodiscard]] Stored<std::optional<StoredBatch>> next();
  std::uint32_t sum() const { return sum_; }  // The checksum of that batch.
  // Whether something damaged lies between that batch, or the end, and the batch before it.
  bool after_damage() const { return after_damage_; }

  // Of all that was walked.
  std::uint64_t rows() const { return rows_; }
  std::uint32_t rows_sum() const { return rows_sum_; }
  std::uint64_t last() const { return last_; }
  std::uint64_t damaged() const { return damaged_; }  // Places, not batches.

 private:
  // Goes on behind a page that cannot be read. Returns false if nothing can be read behind it.
  [[nodiscard]] Stored<bool> skip();

  const Database& database_;
  std::optional<Statement> statement_;
  std::uint64_t at_ = 1;  // Where to go on: batches that begin before are done.
  bool skipped_ = false;  // Since the last good batch.
  bool after_damage_ = false;
  std::uint32_t sum_ = 0;
  std::uint64_t rows_ = 0;
  std::uint32_t rows_sum_ = 0;
  std::uint64_t last_ = 0;
  std::uint64_t damaged_ = 0;
};

}  // namespace crier::cmd
