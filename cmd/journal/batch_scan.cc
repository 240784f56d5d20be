#include "cmd/journal/batch_scan.h"

#include <algorithm>
#include <array>
#include <utility>

#include "broadcast/log/journal_batch.h"
#include "core/crc32c.h"

namespace crier::cmd {
namespace {

// Each one costs a walk over the rest of the file.
constexpr std::uint64_t kSkipsMax = 1'000;

}  // namespace

std::uint32_t checksum_of(const StoredBatch& batch) {
  const std::array<std::uint64_t, 3> numbers = {batch.first, batch.last, batch.wall_ms};
  const auto* bytes = reinterpret_cast<const char*>(numbers.data());
  return crc32c(batch.body, crc32c({bytes, sizeof(numbers)}));
}

Stored<std::optional<StoredBatch>> BatchScan::next() {
  after_damage_ = false;
  for (;;) {
    if (!statement_) {
      auto prepared = Statement::prepare(
          database_,
          "SELECT first, last, time, crc, body FROM batches WHERE first > ? ORDER BY first");
      if (!prepared) return std::unexpected(std::move(prepared.error()));
      statement_ = std::move(*prepared);
      statement_->bind(at_);
    }
    auto more = statement_->next();
    if (!more && more.error().kind != StoreFailure::damaged) {
      return std::unexpected(std::move(more.error()));
    }
    if (!more) {
      after_damage_ = true;
      auto skipped = skip();
      if (!skipped) return std::unexpected(std::move(skipped.error()));
      if (!*skipped) return std::nullopt;
      continue;
    }
    if (!*more) return std::nullopt;
    const StoredBatch batch{.first = statement_->number(0),
                            .last = statement_->number(1),
                            .wall_ms = statement_->number(2),
                            .body = statement_->bytes(4)};
    if (batch.body.empty() && database_.out_of_memory()) {
      return std::unexpected(StoreError{.detail = "no memory for a batch"});
    }
    sum_ = checksum_of(batch);
    if (batch.first <= last_ || batch.last < batch.first || sum_ != statement_->number(3) ||
        !broadcast::valid_batch(batch.body, batch.first, batch.last)) {
      after_damage_ = true;
      ++damaged_;
      continue;
    }
    at_ = batch.first;
    last_ = batch.last;
    skipped_ = false;
    ++rows_;
    rows_sum_ ^= sum_;
    return batch;
  }
}

Stored<bool> BatchScan::skip() {
  statement_.reset();
  if (++damaged_ > kSkipsMax) return false;
  // From the other end. This reads fewer pages of a batch than a walk that wants its body: the
  // lowest batch that is found so may be the one that could not be read.
  auto backwards = Statement::prepare(
      database_, "SELECT first FROM batches WHERE first > ? ORDER BY first DESC");
  if (!backwards) return std::unexpected(std::move(backwards.error()));
  backwards->bind(at_);
  std::optional<std::uint64_t> lowest;
  for (;;) {
    const auto more = backwards->next();
    if (!more && more.error().kind != StoreFailure::damaged) {
      return std::unexpected(more.error());
    }
    if (!more || !*more) break;
    const std::uint64_t first = backwards->number(0);
    if (first <= at_ || (lowest && first >= *lowest)) break;
    lowest = first;
  }
  if (!lowest) return false;
  at_ = skipped_ ? *lowest : *lowest - 1;
  skipped_ = !skipped_;
  return true;
}

}  // namespace crier::cmd
