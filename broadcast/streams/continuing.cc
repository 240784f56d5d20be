// Delivery continued: streams that had to stop before all was sent, and continue in a later slice
// or round.

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
  const std::size_t listed = listed_.size();  // drain() may add to the list.
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

// Returns true if a replaying stream must wait for tokens before it asks the log. Without tokens
// and without memory for a ring, it could not keep the answer.
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
    round_ = std::vector<StreamToken>();  // Frees the memory that many streams needed.
    round_next_ = 0;
  }
  return steps_ - before;
}

}  // namespace crier::broadcast
