// Streams that had to stop before all was sent, and go on when it is their turn again.
#include <algorithm>

#include "broadcast/streams/delivery.h"
#include "core/turn_limits.h"

namespace crier::broadcast {

void Delivery::drain_later(StreamIndex index) {
  Stream& stream = streams_[index];
  if (stream.has(Stream::kListed)) return;
  stream.set(Stream::kListed);
  listed_.push_back(streams_.token(index));
}

void Delivery::await_tokens(StreamIndex index) {
  if (!streams_[index].has(Stream::kRevisited)) stats_.blocked_by_rate.add();
  revisit(index);
}

void Delivery::revisit(StreamIndex index) {
  Stream& stream = streams_[index];
  if (stream.has(Stream::kRevisited)) return;
  stream.set(Stream::kRevisited);
  revisited_.push_back(streams_.token(index));
}

std::size_t Delivery::continue_listed(std::size_t most, Instant now) {
  const std::uint64_t before = steps_;
  const std::size_t listed = listed_.size();  // Draining may list more.
  std::size_t looks = 0;
  while (looks < listed && looks + (steps_ - before) < most) {
    const StreamToken token = listed_.front();
    listed_.pop_front();
    ++looks;
    Stream* stream = streams_.find(token);
    if (stream == nullptr) continue;
    stream->clear(Stream::kListed);
    if (stream->owing != kNone && stream->state != StreamState::closing) drain(token.index, now);
  }
  return looks + (steps_ - before);
}

// Without memory for a ring a replay that has no tokens would be answered in vain.
bool Delivery::needs_tokens_to_ask(Stream& stream, Instant now) {
  if (stream.state != StreamState::replaying || !paced(stream)) return false;
  const Owing& owing = streams_.owing(stream);
  return owing.ring.empty() && owing.dropped == 0 &&
         stream.bucket.available(rate(stream), now) == 0;
}

void Delivery::begin_round() {
  if (round_.empty()) round_.swap(revisited_);
}

std::size_t Delivery::continue_round(std::size_t most, Instant now) {
  if (round_.empty()) return 0;
  const std::uint64_t before = steps_;
  for (std::size_t looks = 0; looks < kRevisitLooks && steps_ - before < most; ++looks) {
    if (round_next_ == round_.size()) break;
    const StreamToken token = round_[round_next_++];
    Stream* stream = streams_.find(token);
    if (stream == nullptr) continue;
    stream->clear(Stream::kRevisited);
    if (stream->owing == kNone || stream->state == StreamState::closing) continue;
    if (stream->has(Stream::kBlocked)) continue;
    if (needs_tokens_to_ask(*stream, now)) {
      revisit(token.index);
    } else {
      drain(token.index, now);
    }
  }
  if (round_next_ == round_.size()) {
    round_ = std::vector<StreamToken>();  // With the memory that a crowd needed.
    round_next_ = 0;
  }
  return steps_ - before;
}

}  // namespace crier::broadcast
