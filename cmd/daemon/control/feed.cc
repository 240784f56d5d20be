#include "cmd/daemon/control/feed.h"

#include <algorithm>
#include <utility>

#include "core/check.h"
#include "core/turn_limits.h"

namespace crier::cmd {
namespace {

constexpr std::size_t kBatchFramesMax = 1'024;
constexpr std::uint64_t kBatchBytesMax = 1u << 20;
// Read from the history in one turn, for all workers together.
constexpr std::size_t kHistoryBatchesPerTurn = 8;
// Asking so many topics for their losses counts for one of these.
constexpr std::size_t kTopicsPerBatch = broadcast::kScanTopicsMax / kHistoryBatchesPerTurn;

}  // namespace

Feed::Feed(const broadcast::Log& log, std::atomic<std::uint64_t>& log_head,
           const std::vector<std::unique_ptr<Worker>>& workers)
    : log_(log), log_head_(log_head) {
  for (const auto& worker : workers) {
    links_.push_back({.worker = worker.get(), .fed_through = log.head()});
  }
}

void Feed::publish(const FrameRef& frame) {
  log_head_.store(frame->sequence(), std::memory_order_release);
  batch_.push_back(frame);
  batch_bytes_ += frame->memory_bytes();
  if (batch_.size() >= kBatchFramesMax || batch_bytes_ >= kBatchBytesMax) hand_out();
}

bool Feed::has_room(const Link& link) {
  return link.worker->inbox().room() > kInboxReserve + 1 &&  // A notice and a batch.
         link.pushed_bytes - link.worker->consumed_bytes() < kInboxBytesMax;
}

void Feed::push(Link& link, const broadcast::SharedBatch& batch, std::uint64_t bytes) {
  const bool pushed = link.worker->inbox().push(InboxItem(batch));
  CRIER_CHECK(pushed);
  link.pushed_bytes += bytes;
  link.fed_through = batch->back()->sequence();
  link.wake = true;
}

void Feed::hand_out() {
  const auto batch = std::make_shared<const broadcast::Batch>(std::exchange(batch_, {}));
  const std::uint64_t bytes = std::exchange(batch_bytes_, 0);
  for (Link& link : links_) {
    if (link.lagging) continue;
    CRIER_CHECK(link.fed_through < batch->front()->sequence());
    if (has_room(link)) {
      push(link, batch, bytes);
    } else {
      link.lagging = true;
    }
  }
}

void Feed::feed_from_history(Link& link, std::size_t& batches) {
  for (; batches > 0 && link.fed_through < log_.head() && has_room(link); --batches) {
    broadcast::MissedFrames missed =
        log_.frames_after(link.fed_through, kBatchFramesMax, kBatchBytesMax);
    CRIER_CHECK(missed.through > link.fed_through);
    batches -= std::min(batches - 1, missed.topics_asked / kTopicsPerBatch);
    if (missed.lost) {
      const bool pushed = link.worker->inbox().push(
          std::make_unique<broadcast::LostEvents>(std::move(*missed.lost)));
      CRIER_CHECK(pushed);
      link.wake = true;
    }
    if (!missed.frames.empty()) {
      std::uint64_t bytes = 0;
      for (const FrameRef& frame : missed.frames) bytes += frame->memory_bytes();
      push(link, std::make_shared<const broadcast::Batch>(std::move(missed.frames)), bytes);
    }
    link.fed_through = missed.through;
  }
  link.lagging = link.fed_through < log_.head();
}

bool Feed::flush() {
  if (!batch_.empty()) hand_out();
  bool more = false;
  std::size_t batches = kHistoryBatchesPerTurn;
  first_ = (first_ + 1) % links_.size();
  for (std::size_t i = 0; i < links_.size(); ++i) {
    Link& link = links_[(first_ + i) % links_.size()];
    if (link.lagging) feed_from_history(link, batches);
    more = more || (link.lagging && has_room(link));
    // Asked after the look at the inbox, and looked at again by the worker after it has emptied it.
    if (link.lagging) link.worker->report_when_empty();
    if (std::exchange(link.wake, false) || link.lagging) link.worker->wake();
  }
  return more;
}

}  // namespace crier::cmd
