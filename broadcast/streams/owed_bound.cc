#include "broadcast/streams/owed_bound.h"

namespace crier::broadcast {
namespace {

constexpr std::size_t kLooksPerRun = 512;
constexpr std::size_t kGiveWayPerRun = 16;

}  // namespace

std::uint64_t OwedBound::unretained() const {
  const std::uint64_t all = options_.frames->bytes.load(std::memory_order_relaxed);
  const std::uint64_t retained = options_.history_bytes->read();
  return all > retained ? all - retained : 0;
}

// The last pass closes no stream while the bound itself is kept.
bool OwedBound::enough() const {
  return pass_->last ? !exceeded() : delivery_.owed_memory() <= part() / 2;
}

void OwedBound::run(Instant now) {
  if (!pass_ && exceeded()) pass_ = Pass{options_.owed_bytes_max / 4};
  if (!pass_) return;
  const std::size_t end = streams_.end();
  std::size_t gave_way = 0;
  for (std::size_t n = 0; n < kLooksPerRun && gave_way < kGiveWayPerRun; ++n) {
    if (enough()) return pass_.reset();
    if (pass_->next >= end) {
      if (pass_->last) return pass_.reset();
      pass_ = Pass{pass_->bytes_max / 4, pass_->bytes_max == 0};
    }
    if (pass_->next >= end) continue;
    const StreamIndex index = pass_->next++;
    // The memory of a free slot may be all zero, and 0 is the index of an Owing.
    if (!streams_.taken(index) || streams_[index].owing == kNone) continue;
    if (pass_->last ? delivery_.close_owing(index)
                    : delivery_.give_way(index, pass_->bytes_max, now)) {
      ++gave_way;
    }
  }
}

}  // namespace crier::broadcast
