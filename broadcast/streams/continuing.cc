// Streams that had to stop before all was sent, and go on when it is their turn again.
#include <algorithm>

#include "broadcast/streams/delivery.h"
#include "core/turn_limits.h"

namespace crier::broadcast {

void Delivery::list(StreamIndex index) {
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

void Delivery::continue_listed(std::size_t most, Instant now) {
  const std::size_t count = std::min(most, listed_.size());
  for (std::size_t i = 0; i < count; ++i) {
    const StreamToken token = listed_[i];  // By value: draining may list more.
    Stream* stream = streams_.find(token);
    if (stream == nullptr) continue;
    stream->clear(Stream::kListed);
    if (stream->owing != kNone && stream->state != StreamState::closing) drain(token.index, now);
  }
  listed_.erase(listed_.begin(), listed_.begin() + static_cast<std::ptrdiff_t>(count));
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

void Delivery::continue_round(std::size_t most, Instant now) {
  if (round_.empty()) return;
  std::size_t sent = 0;
  for (std::size_t looks = 0; looks < kRevisitLooks && sent < most; ++looks) {
    if (round_next_ == round_.size()) break;
    const StreamToken token = round_[round_next_++];
    Stream* stream = streams_.find(token);
    if (stream == nullptr) continue;
    stream->clear(Stream::kRevisited);
    if (stream->owing == kNone || stream->state == StreamState::closing) continue;
    if (stream->has(Stream::kBlocked)) continue;
    const std::uint64_t before = stream->bytes_sent;
    if (needs_tokens_to_ask(*stream, now)) {
      revisit(token.index);
    } else {
      drain(token.index, now);
    }
    if (stream->bytes_sent != before) ++sent;
  }
  if (round_next_ < round_.size()) return;
  round_ = std::vector<StreamToken>();  // With the memory that a crowd needed.
  round_next_ = 0;
}

}  // namespace crier::broadcast
