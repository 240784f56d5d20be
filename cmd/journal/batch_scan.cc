#include "cmd/journal/batch_scan.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "broadcast/log/journal_batch.h"
#include "core/crc32c.h"

namespace crier::cmd {
namespace {

// Each one costs some seeks, seldom more than a thousand.
constexpr std::uint64_t kSkipsMax = 100'000;
constexpr std::uint64_t kSequenceMax = std::numeric_limits<std::int64_t>::max();

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
          "SELECT first, last, time, crc, body FROM batches WHERE first >= ? ORDER BY first");
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
    at_ = batch.first + 1;
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
  auto seek = Statement::prepare(
      database_, "SELECT first FROM batches WHERE first >= ? ORDER BY first LIMIT 1");
  if (!seek) return std::unexpected(std::move(seek.error()));
  std::uint64_t first = 0;  // What the last seek that was not damaged has found; 0: the end.
  const auto readable = [&](std::uint64_t from) -> Stored<bool> {
    const auto more = seek->bind(from).next();
    if (!more && more.error().kind != StoreFailure::damaged) return std::unexpected(more.error());
    if (!more) return false;
    const std::uint64_t found = *more ? seek->number(0) : 0;
    seek->reset();
    if (*more && found < from) return false;
    first = found;
    return true;
  };
  // A seek reads no other page than the one it is for. Steps grow slowly, so that they hardly jump
  // over a good page between two damaged ones.
  std::uint64_t damaged = at_ - 1;
  std::uint64_t good = at_;
  for (std::uint64_t step = 1;; step += 1 + step / 1'024) {
    if (good > kSequenceMax) return false;
    const auto found = readable(good);
    if (!found) return std::unexpected(found.error());
    if (*found) break;
    damaged = good;
    good = at_ + step;
  }
  while (good - damaged > 1) {
    const std::uint64_t middle = damaged + (good - damaged) / 2;
    const auto found = readable(middle);
    if (!found) return std::unexpected(found.error());
    (*found ? good : damaged) = middle;
  }
  if (first == 0) return false;
  // A seek does not read a batch's body: the one that is found may be the one that is damaged.
  at_ = skipped_ ? first + 1 : first;
  skipped_ = !skipped_;
  return true;
}

}  // namespace crier::cmd
