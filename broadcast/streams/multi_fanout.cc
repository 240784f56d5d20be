#include "broadcast/streams/multi_fanout.h"

#include <algorithm>

#include "core/check.h"
#include "core/turn_limits.h"

namespace crier::broadcast {
namespace {

// Of matching, for the price of a send.
constexpr std::size_t kStepsPerStream = 16;

}  // namespace

MultiFanout::MultiFanout(StreamTable& streams, TopicIndex& topics, Delivery& delivery)
    : streams_(streams), topics_(topics), delivery_(delivery) {}

void MultiFanout::add(const SharedBatch& batch) {
  waiting_.push_back(batch);
  pending_frames_ += batch->size();
}

void MultiFanout::begin() {
  CRIER_CHECK(!waiting_.empty());
  batch_ = std::move(waiting_.front());
  waiting_.pop_front();
  pending_frames_ -= batch_->size();
  matched_ = 0;
  share_ = 0;
  through_ = batch_->back()->sequence();
}

// A stream that joins meanwhile has a later position than all of the batch, so what of it was
// matched before does not matter.
std::size_t MultiFanout::match_some(std::size_t steps_max) {
  std::size_t steps = 0;
  for (; steps < steps_max && matched_ < batch_->size(); ++matched_) {
    const FrameRef& frame = (*batch_)[matched_];
    matching_.clear();
    if (const auto row = topics_.find(frame->topic_hash(), frame->topic())) {
      if (topics_[*row].multi_size() > 0) matching_.push_back(*row);
    }
    steps += topics_.patterns().match(frame->topic(), matching_);
    steps += matching_.size();
    for (const TopicEntryIndex row : matching_) add_to_share(row, frame);
  }
  return steps;
}

void MultiFanout::add_to_share(TopicEntryIndex row, const FrameRef& frame) {
  if (row >= share_of_.size()) share_of_.resize(row + 1, kNone);
  if (share_of_[row] == kNone) {
    share_of_[row] = static_cast<std::uint32_t>(shares_.size());
    shares_.push_back({row, {}, kNone});
  }
  shares_[share_of_[row]].frames.push_back(frame);
}

void MultiFanout::finish() {
  for (const Share& share : shares_) share_of_[share.row] = kNone;
  shares_.clear();
  batch_.reset();
}

std::size_t MultiFanout::run(std::size_t most, Instant now) {
  if (!batch_) {
    if (waiting_.empty()) return 0;
    begin();
  }
  std::size_t visited = match_some(most * kStepsPerStream) / kStepsPerStream;
  if (matched_ < batch_->size()) return most;
  for (; share_ < shares_.size(); ++share_) {
    Share& share = shares_[share_];
    // The row may have lost its last stream since, or been given to another topic: then its streams
    // are at worst offered what they have, which sequence_next refuses.
    const TopicEntry& row = topics_[share.row];
    share.left = std::min(share.left, static_cast<std::uint32_t>(row.multi_size()));
    while (share.left > 0) {
      if (visited >= most) return visited;
      ++visited;
      serve((*row.multis)[--share.left].stream, now);
    }
  }
  finish();
  return std::max<std::size_t>(visited, 1);
}

void MultiFanout::serve(StreamIndex index, Instant now) {
  Stream& stream = streams_[index];
  const bool listens = stream.state == StreamState::live || stream.state == StreamState::owing;
  if (!listens || stream.sequence_next > through_) return;
  merged_.clear();
  for (const Subscription& subscription : streams_.extra(stream)->subscriptions) {
    if (subscription.row >= share_of_.size() || share_of_[subscription.row] == kNone) continue;
    for (const FrameRef& frame : shares_[share_of_[subscription.row]].frames) {
      if (frame->sequence() >= stream.sequence_next) merged_.push_back(frame);
    }
  }
  const auto by_sequence = [](const FrameRef& frame) { return frame->sequence(); };
  std::ranges::sort(merged_, {}, by_sequence);
  const auto [from, to] = std::ranges::unique(merged_, {}, by_sequence);
  merged_.erase(from, to);
  if (!merged_.empty()) delivery_.offer(index, merged_, {}, now);
  // The whole batch is dealt with, unless a policy put the stream back.
  const bool still_listens =
      stream.state == StreamState::live || stream.state == StreamState::owing;
  if (still_listens) stream.sequence_next = through_ + 1;
}

}  // namespace crier::broadcast
