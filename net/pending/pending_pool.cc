#include "net/pending/pending_pool.h"

#include <utility>

#include "core/check.h"

namespace crier::net {
namespace {

// The pool keeps this many readers for the next heads. Most heads come whole, so that one reader is
// enough; after many slow heads at once the memory of the others is freed.
constexpr std::size_t kSpareReaders = 16;

}  // namespace

PendingPool::PendingPool(std::size_t capacity, const HeadLimits& head)
    : capacity_(capacity), head_limits_(head) {
  CRIER_CHECK(capacity > 0);
  CRIER_CHECK(capacity < std::size_t{1} << 31);
  rows_.reserve(capacity);
}

std::optional<std::uint32_t> PendingPool::rent(Instant deadline) {
  std::uint32_t row = 0;
  if (!free_.empty()) {
    row = free_.back();
    free_.pop_back();
  } else if (rows_.size() < capacity_) {
    row = static_cast<std::uint32_t>(rows_.size());
    rows_.emplace_back();
  } else {
    return std::nullopt;
  }
  PendingRequest& request = rows_[row];
  CRIER_CHECK(!request.rented);
  request.rented = true;
  request.phase = PendingPhase::head;
  request.deadline = deadline;
  ++rented_;
  append(row);
  return row;
}

void PendingPool::give_back(std::uint32_t row) {
  give_back_reader(row);
  PendingRequest& request = rows_[row];
  unlink(row);
  const std::uint32_t next_generation = request.generation + 1;
  request = PendingRequest{};
  request.generation = next_generation;
  --rented_;
  free_.push_back(row);
}

void PendingPool::rent_reader(std::uint32_t row) {
  PendingRequest& request = (*this)[row];
  CRIER_CHECK(!request.reader);
  ++readers_;
  if (spare_readers_.empty()) {
    request.reader.emplace(head_limits_);
    return;
  }
  request.reader.emplace(std::move(spare_readers_.back()));
  spare_readers_.pop_back();
}

void PendingPool::give_back_reader(std::uint32_t row) {
  PendingRequest& request = (*this)[row];
  if (!request.reader) return;
  --readers_;
  if (spare_readers_.size() < kSpareReaders) {
    request.reader->reset();
    spare_readers_.push_back(std::move(*request.reader));
  }
  request.reader.reset();
}

void PendingPool::enter(std::uint32_t row, PendingPhase phase, Instant deadline) {
  PendingRequest& request = (*this)[row];
  unlink(row);
  request.phase = phase;
  request.deadline = deadline;
  append(row);
}

std::optional<std::uint32_t> PendingPool::oldest(PendingPhase phase,
                                                 std::optional<std::uint32_t> except) const {
  std::uint32_t row = list(phase).first;
  if (row != kNone && row == except) row = rows_[row].next;
  return row == kNone ? std::nullopt : std::optional(row);
}

bool PendingPool::holds(std::uint32_t row, std::uint32_t generation) const {
  return row < rows_.size() && rows_[row].rented && rows_[row].generation == generation;
}

bool PendingPool::defers(DeferralToken token) const {
  if (token.row >= rows_.size()) return false;
  const PendingRequest& request = rows_[token.row];
  return request.rented && request.phase == PendingPhase::deferred &&
         request.deferral == token.generation;
}

PendingRequest& PendingPool::operator[](std::uint32_t row) {
  CRIER_CHECK(row < rows_.size());
  CRIER_CHECK(rows_[row].rented);
  return rows_[row];
}

void PendingPool::append(std::uint32_t row) {
  PendingRequest& request = rows_[row];
  List& to = list(request.phase);
  request.previous = to.last;
  request.next = kNone;
  if (to.last == kNone) {
    to.first = row;
  } else {
    CRIER_CHECK(rows_[to.last].deadline <= request.deadline);
    rows_[to.last].next = row;
  }
  to.last = row;
  ++to.count;
}

void PendingPool::unlink(std::uint32_t row) {
  PendingRequest& request = rows_[row];
  List& from = list(request.phase);
  (request.previous == kNone ? from.first : rows_[request.previous].next) = request.next;
  (request.next == kNone ? from.last : rows_[request.next].previous) = request.previous;
  CRIER_CHECK(from.count > 0);
  --from.count;
}

}  // namespace crier::net
