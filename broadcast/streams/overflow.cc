// Delivery continued: how a ring grows, what happens to a stream whose ring is full, how superseded
// events are dropped, and how a stream is told its end.

#include <algorithm>
#include <ranges>
#include <vector>

#include "broadcast/log/hash_index.h"
#include "broadcast/streams/delivery.h"
#include "broadcast/streams/own_events.h"
#include "core/check.h"
#include "core/frame.h"
#include "core/probe.h"

namespace crier::broadcast {
namespace {

// Frames that a pass over a ring looks at in one step.
constexpr std::uint32_t kConflatedPerStep = 4;

// Frames of different topics. They must outlive it.
class OneOfEachTopic {
 public:
  // Returns false if it has a frame of the same topic, which supersedes this one. A closing event
  // is never superseded.
  bool add(const Frame& frame) {
    const auto same = [&](std::uint32_t i) { return frames_[i]->topic() == frame.topic(); };
    if (index_.find(frame.topic_hash(), same)) return frame.closes();
    index_.insert(frame.topic_hash(), static_cast<std::uint32_t>(frames_.size()));
    frames_.push_back(&frame);
    return true;
  }

 private:
  HashIndex index_;
  std::vector<const Frame*> frames_;
};

// Returns true if a stream with this policy and a full ring continues from the history.
bool continues_from_log(OverflowPolicy policy) {
  return policy == OverflowPolicy::catch_up || policy == OverflowPolicy::conflate;
}

// Returns with how many frames the stream's ring grows: three quarters of the capacity on average,
// and at most the capacity. Streams that stopped together would otherwise all grow at one event,
// and the streams that keep up would wait for that.
std::uint32_t growth_point(const Stream& stream, std::uint32_t capacity) {
  const std::uint32_t share = stream.owing * 0x9e37'79b9U;  // The golden ratio: evenly spread.
  return capacity - static_cast<std::uint32_t>((std::uint64_t{capacity / 2} * share) >> 32);
}

}  // namespace

// Room for a frame of so many bytes within the stream's limits; its ring grows as needed.
bool Delivery::make_room_for(const Stream& stream, Owing& owing, std::size_t bytes) {
  if (!within_limits(stream, owing, bytes)) return false;
  const Ring& ring = owing.ring;
  const bool grows = ring.size() == growth_point(stream, ring.capacity()) &&
                     ring.capacity() < streams_.owed_events_max(stream, options_.owed_events_max);
  if (!ring.full() && !grows) return true;
  if (!streams_.grow_ring(owing)) return !ring.full();
  steps_ += ring.size() / kReferencesPerStep;
  return true;
}

void Delivery::count_overflow(const Stream& stream, const Owing& owing) {
  stats_.overflows.add();
  probe::overflow(streams_.index_of(stream), stream.generation, to_string(policy(stream)),
                  owing.ring.size(), owing.bytes);
}

// Handles a frame that does not fit. Returns true if the stream is owed the frames after it.
// Returns false if the stream continues from the history or ends; it is then owed nothing more of
// this batch.
bool Delivery::overflow(StreamIndex index, const Frame& frame, Instant now) {
  Stream& stream = streams_[index];
  Owing& owing = streams_.owing(stream);
  count_overflow(stream, owing);
  // A replay goes at the stream's own pace and loses nothing by being slow. The frames that fitted
  // are sent; the stream asks for the rest again.
  if (stream.state == StreamState::replaying) {
    rejoin_log(index);
    return false;
  }
  // A ring without storage has nothing to drop.
  if (continues_from_log(policy(stream)) || owing.ring.capacity() == 0) {
    if (!owing.ring.empty()) to_drop_.push_back(streams_.token(index));
    rejoin_log(index);
    return false;
  }
  if (policy(stream) == OverflowPolicy::disconnect) {
    end_dropping(index, EndReason::overflow, now);
    return false;
  }
  if (!owing.closes && make_room_by_dropping(stream, owing, frame.wire(stream.framing()).size())) {
    push(stream, owing, FrameRef::share(frame));
  } else if (owing.closes || frame.closes()) {  // A closing event is not dropped.
    fall_back_to_log(index);
    return false;
  } else {
    ++owing.dropped;
    owing.dropped_through = frame.sequence();
    stream.sequence_next = frame.sequence() + 1;
    stats_.frames_dropped.add();
  }
  return true;
}

std::size_t Delivery::continue_dropping(std::size_t most) {
  const std::uint64_t before = steps_;
  while (!to_drop_.empty() && steps_ - before < most) {
    const StreamToken token = to_drop_.front();
    to_drop_.pop_front();
    ++steps_;
    Stream* stream = streams_.find(token);
    if (stream == nullptr || stream->state != StreamState::replaying) continue;
    Owing& owing = streams_.owing(*stream);
    if (owing.ring.empty() || owing.replay != ReplayState::idle) continue;
    drop_unsent(*stream, owing);
    streams_.shrink_ring(owing);
    ask_log_if_sent(token.index);
  }
  return steps_ - before;
}

bool Delivery::give_way(StreamIndex index, std::uint32_t bytes_max, Instant now) {
  Stream& stream = streams_[index];
  const bool behind = stream.state == StreamState::owing || stream.state == StreamState::replaying;
  if (!behind) return false;
  Owing& owing = streams_.owing(stream);
  if (owing.bytes <= bytes_max || !owes_unsent_event(owing)) return false;
  count_overflow(stream, owing);
  stats_.gave_way.add();
  if (policy(stream) == OverflowPolicy::conflate) {
    conflate(stream, owing, nullptr);
    if (owing.bytes <= bytes_max) return true;
  }
  if (stream.state == StreamState::replaying || continues_from_log(policy(stream))) {
    fall_back_to_log(index);
  } else if (policy(stream) == OverflowPolicy::disconnect) {
    end_dropping(index, EndReason::overflow, now);
  } else if (owing.closes) {
    fall_back_to_log(index);
  } else {
    while (owing.bytes > bytes_max && drop_oldest(stream, owing)) {
    }
    // With an empty ring the stream would count as keeping up and would not be told.
    if (owing.ring.empty()) announce_dropped(index);
  }
  return true;
}

bool Delivery::close_owing(StreamIndex index) {
  Stream& stream = streams_[index];
  if (streams_.owing(stream).ring.empty()) return false;
  closes_.add(index, stream, EndReason::no_memory);
  release(index);
  return true;
}

bool Delivery::make_room_by_dropping(Stream& stream, Owing& owing, std::size_t bytes) {
  while (!make_room_for(stream, owing, bytes)) {
    if (!drop_oldest(stream, owing)) return false;
  }
  return true;
}

// Makes room for an event within the stream's limits, if need be by dropping superseded events.
// Returns false if too few of them, or too few bytes, were dropped to pay for the pass.
bool Delivery::make_room_by_conflating(Stream& stream, Owing& owing, const Frame& next) {
  const std::size_t bytes = next.wire(stream.framing()).size();
  const bool within = within_limits(stream, owing, bytes);
  if (within && !owing.ring.full()) return true;
  const std::uint32_t looks = owing.ring.size();
  const std::uint32_t bytes_before = owing.bytes;
  const std::uint32_t dropped = conflate(stream, owing, &next);
  const bool paid =
      dropped >= (looks + 7) / 8 || bytes_before - owing.bytes >= options_.owed_bytes_max / 8;
  if (!paid && !(within && streams_.grow_ring(owing))) return false;
  return make_room_for(stream, owing, bytes);
}

// Drops each event of which no byte was sent and that a later event of its topic supersedes. That
// one is in the ring, or it is `next`, which may be null. Returns how many events it dropped.
std::uint32_t Delivery::conflate(Stream& stream, Owing& owing, const Frame* next) {
  const std::uint32_t looks = owing.ring.size();
  OneOfEachTopic newest;
  if (next != nullptr) newest.add(*next);
  owing.ring.keep_if([&](std::uint32_t i, const Frame& frame) {
    const bool begun = i == 0 && owing.oldest_sent > 0;
    if (begun || frame.sequence() == 0 || newest.add(frame)) return true;
    forget_owed(stream, owing, frame);
    return false;
  });
  owing.conflated = true;
  steps_ += looks / kConflatedPerStep;
  const std::uint32_t dropped = looks - owing.ring.size();
  stats_.events_superseded.add(dropped);
  return dropped;
}

// Returns those frames that no later one of the same topic supersedes, in their order. The result
// is valid until the next call.
Frames Delivery::newest_of_each_topic(Frames frames) {
  OneOfEachTopic newest;
  newest_.clear();
  for (const Frame* frame : std::views::reverse(frames)) {
    if (newest.add(*frame)) newest_.push_back(frame);
  }
  std::ranges::reverse(newest_);
  steps_ += frames.size() / kConflatedPerStep;
  stats_.events_superseded.add(frames.size() - newest_.size());
  return newest_;
}

// Drops the oldest event of which no byte was sent. Keeps crier's own events, since one of them may
// announce an earlier loss. These precede the events, so the search is short.
bool Delivery::drop_oldest(Stream& stream, Owing& owing) {
  for (std::uint32_t i = owing.oldest_sent > 0 ? 1 : 0; i < owing.ring.size(); ++i) {
    if (owing.ring[i]->sequence() == 0) continue;
    const FrameRef frame = owing.ring.erase(i);
    forget_owed(stream, owing, *frame);
    ++owing.dropped;
    owing.dropped_through = frame->sequence();
    stats_.frames_dropped.add();
    return true;
  }
  return false;
}

// Drops every event of which no byte was sent, and takes sequence_next back to the first of them.
void Delivery::drop_unsent(Stream& stream, Owing& owing) {
  Ring& ring = owing.ring;
  steps_ += ring.size() / kReferencesPerStep;
  while (!ring.empty()) {
    const FrameRef& newest = ring[ring.size() - 1];
    const bool begun = ring.size() == 1 && owing.oldest_sent > 0;
    if (begun || newest->sequence() == 0) return;
    stream.sequence_next = newest->sequence();
    forget_owed(stream, owing, *newest);
    ring.pop_newest();
  }
}

// Announces dropped events at their place in the stream, once that place is the next to be sent. A
// full ring loses an event for it; one that may have a closing event is read from the log again.
void Delivery::announce_dropped(StreamIndex index) {
  Stream& stream = streams_[index];
  Owing& owing = streams_.owing(stream);
  CRIER_CHECK(owing.dropped > 0);
  if (owing.oldest_sent > 0) return;
  if (!owing.ring.empty() && owing.ring[0]->sequence() == 0) return;
  if (owing.closes && !streams_.make_room(owing)) fall_back_to_log(index);
  while (!streams_.make_room(owing) && drop_oldest(stream, owing)) {
  }
  CRIER_CHECK(!owing.ring.full());
  const FrameRef gap = gap_of_dropped(stream, owing);
  count_owed(stream, owing, *gap);
  owing.ring.push_front(gap);
}

FrameRef Delivery::gap_of_dropped(const Stream& stream, Owing& owing) {
  const Gap gap{GapReason::overflow, owing.dropped, owing.dropped_through};
  std::string text;
  append_gap_event(text, gap, options_.epoch);
  std::string wire;
  append_framed(wire, stream.framing(), text);
  count_gap(stream, gap);
  owing.dropped = 0;
  return Frame::make_raw(wire);
}

// Returns true if the stream is owed an event of the log of which no byte was sent.
bool Delivery::owes_unsent_event(const Owing& owing) {
  for (std::uint32_t i = owing.oldest_sent > 0 ? 1 : 0; i < owing.ring.size(); ++i) {
    if (owing.ring[i]->sequence() != 0) return true;
  }
  return false;
}

void Delivery::fall_back_to_log(StreamIndex index) {
  Stream& stream = streams_[index];
  Owing* owing = streams_.rent_owing(stream);
  if (owing == nullptr) {
    closes_.add(index, stream, EndReason::no_memory);
    return;
  }
  drop_unsent(stream, *owing);
  streams_.shrink_ring(*owing);
  rejoin_log(index);
}

void Delivery::rejoin_log(StreamIndex index) {
  Stream& stream = streams_[index];
  Owing* owing = streams_.rent_owing(stream);
  if (owing == nullptr) {
    closes_.add(index, stream, EndReason::no_memory);
    return;
  }
  stream.become(StreamState::replaying);
  tell(stream, StreamStep::asks_history);
  owing->replay = ReplayState::idle;
  owing->from = ReplayFrom::sequence;
  owing->connected = true;
  ask_log_if_sent(index);
}

// Lets the stream ask the log, unless it has to send something before or cannot send.
void Delivery::ask_log_if_sent(StreamIndex index) {
  const Stream& stream = streams_[index];
  const Owing& owing = streams_.owing(stream);
  const bool may_go_on = !stream.has(Stream::kBlocked) && !stream.has(Stream::kRevisited);
  if (owing.ring.empty() && owing.dropped == 0 && may_go_on) settle(index);
}

void Delivery::end_dropping(StreamIndex index, EndReason reason, Instant now) {
  Stream& stream = streams_[index];
  if (stream.owing != kNone) drop_unsent(stream, streams_.owing(stream));
  end(index, reason, now);
}

bool Delivery::all_closed(const Stream& stream) const {
  if (!options_.any_closed()) return false;
  bool all = true;
  streams_.for_each_subscription(stream, [&](const Subscription& subscription) {
    const TopicEntry& row = topics_[subscription.row];
    all = all && row.kind == Selector::Kind::topic &&
          options_.closed_by(stream.sequence_next - 1, row.hash);
  });
  return all;
}

void Delivery::end_if_closed(StreamIndex index, Instant now) {
  const Stream& stream = streams_[index];
  if (stream.state != StreamState::live || !all_closed(stream)) return;
  end(index, EndReason::closed, now);
}

void Delivery::end(StreamIndex index, EndReason reason, Instant now) {
  Stream& stream = streams_[index];
  if (stream.state == StreamState::ending || stream.state == StreamState::closing) return;
  std::string text;
  // Nothing listens until the drain ends, so a client waits that much longer.
  std::uint32_t wait_ms =
      reason == EndReason::memory ? random_.between(kLongRetryMsMin, kLongRetryMsMax) : retry_ms();
  if (reason == EndReason::drained && drain_end_ > now) {
    wait_ms += static_cast<std::uint32_t>((drain_end_.us - now.us) / 1'000);
  }
  const bool anew = reason == EndReason::drained && ids_end_;
  append_end_event(text, anew ? "restarted" : to_string(reason), wait_ms);
  scratch_.clear();
  append_framed(scratch_, stream.framing(), text);
  if (stream.framing() == Framing::chunked) scratch_ += kLastChunk;
  std::size_t sent = 0;
  if (stream.owing == kNone || streams_.owing(stream).ring.empty()) {
    pieces_.clear();
    add_piece(scratch_);
    const WriteOutcome outcome = write(stream, now);
    if (outcome.status == WriteStatus::all) stats_.frames_sent.add();
    if (outcome.status != WriteStatus::partial) {
      closes_.add(index, stream, reason);
      return;
    }
    sent = outcome.bytes;
    stream.wrote_at = now.tick();
  }
  if (streams_.rent_owing(stream) == nullptr) {
    closes_.add(index, stream, reason);
    return;
  }
  Owing& owing = streams_.owing(stream);
  // Without room for one more frame, the unsent events are dropped. The client has not seen their
  // ids, so it gets them from the history when it returns.
  if (!streams_.make_room(owing)) drop_unsent(stream, owing);
  if (!streams_.make_room(owing)) {
    closes_.add(index, stream, reason);
    return;
  }
  // A loss is announced before the event that follows it. Without such an event it is announced
  // here.
  if (owing.dropped > 0 && !owes_unsent_event(owing)) {
    push(stream, owing, gap_of_dropped(stream, owing));
    if (!streams_.make_room(owing)) {
      closes_.add(index, stream, reason);
      return;
    }
  }
  const bool first = owing.ring.empty();
  push(stream, owing, Frame::make_raw(scratch_));
  if (first) owing.oldest_sent = static_cast<std::uint32_t>(sent);
  owing.end_reason = reason;
  stream.become(StreamState::ending);
  const bool may_go_on =
      !stream.has(Stream::kBlocked) && !(first && stream.has(Stream::kRevisited));
  if (may_go_on) drain(index, now);
}

}  // namespace crier::broadcast
