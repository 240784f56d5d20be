#include "cmd/daemon/control/feed.h"

#include <algorithm>
#include <utility>

#include "core/check.h"

namespace crier::cmd {
namespace {

constexpr std::size_t kBatchFramesMax = 1'024;
constexpr std::uint64_t kBatchBytesMax = 1u << 20;
constexpr std::uint64_t kHoldMicros = 4'000;
// During a long request workers are woken for every so many batches. Waking them for each makes a
// burst slower: they share the processors with the publisher, and reach each stream more than once.
constexpr std::size_t kBatchesUntilWoken = 4;
// Batches read from the history in one turn, for all workers together.
constexpr std::size_t kHistoryBatchesPerTurn = 8;
// The look-up of this many topics' losses counts for one batch.
constexpr std::size_t kTopicsPerBatch = broadcast::kScanTopicsMax / kHistoryBatchesPerTurn;

}  // namespace

Feed::Feed(const broadcast::Log& log, std::atomic<std::uint64_t>& log_head,
           const std::vector<WorkerLink*>& links, PublishTraces& traces)
    : log_(log), log_head_(log_head), traces_(traces) {
  for (WorkerLink* link : links) workers_.push_back({.link = link, .through = log.head()});
}

void Feed::publish(const FrameRef& frame) {
  log_head_.store(frame->sequence(), std::memory_order_release);
  if (batch_.size() >= kBatchFramesMax || batch_bytes_ >= kBatchBytesMax) hand_out();
  batch_.push_back(frame);
  batch_bytes_ += frame->memory_bytes();
}

void Feed::hand_out() {
  const auto batch = std::make_shared<const broadcast::Batch>(std::exchange(batch_, {}));
  const std::uint64_t bytes = std::exchange(batch_bytes_, 0);
  watchers_.show(*batch);
  const bool wake = ++handed_out_ % kBatchesUntilWoken == 0;
  const bool followed = traces_.begin_batch(batch->back()->sequence());
  for (Fed& fed : workers_) {
    if (fed.lagging) continue;
    CRIER_CHECK(fed.through < batch->front()->sequence());
    if (fed.link->has_room_for_batch()) {
      if (followed) {
        traces_.hand_to(static_cast<std::size_t>(&fed - workers_.data()), *fed.link);
      }
      fed.link->push(batch, bytes);
      fed.through = batch->back()->sequence();
      if (wake) fed.link->wake_if_pushed();
    } else {
      fed.lagging = true;
    }
  }
  if (followed) traces_.end_batch();
}

void Feed::feed_from_history(Fed& fed, std::size_t& batches) {
  for (; batches > 0 && fed.through < log_.head() && fed.link->has_room_for_batch(); --batches) {
    broadcast::MissedFrames missed =
        log_.frames_after(fed.through, kBatchFramesMax, kBatchBytesMax);
    CRIER_CHECK(missed.through > fed.through);
    batches -= std::min(batches - 1, missed.topics_asked / kTopicsPerBatch);
    if (missed.lost) fed.link->push(std::move(*missed.lost));
    if (!missed.frames.empty()) {
      std::uint64_t bytes = 0;
      for (const FrameRef& frame : missed.frames) bytes += frame->memory_bytes();
      fed.link->push(std::make_shared<const broadcast::Batch>(std::move(missed.frames)), bytes);
    }
    fed.through = missed.through;
  }
  fed.lagging = fed.through < log_.head();
}

bool Feed::holds(Instant now) {
  if (batch_.empty() && handed_out_ == 0) return false;
  if (held_since_.us == 0) held_since_ = now;
  return now.us - held_since_.us < kHoldMicros;
}

bool Feed::flush() {
  if (!batch_.empty()) hand_out();
  handed_out_ = 0;
  held_since_ = {};
  bool more = false;
  std::size_t batches = kHistoryBatchesPerTurn;
  first_ = (first_ + 1) % workers_.size();
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    Fed& fed = workers_[(first_ + i) % workers_.size()];
    if (fed.lagging) feed_from_history(fed, batches);
    more = more || (fed.lagging && fed.link->has_room_for_batch());
    if (fed.lagging) {
      fed.link->report_when_empty();
    } else {
      fed.link->wake_if_pushed();
    }
  }
  return more;
}

}  // namespace crier::cmd
