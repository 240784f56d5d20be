#include "broadcast/streams/delivery.h"

#include <algorithm>
#include <optional>

#include "broadcast/streams/own_events.h"
#include "core/check.h"
#include "core/probe.h"
#include "core/turn_limits.h"

namespace crier::broadcast {

Delivery::Delivery(const Parts& parts)
    : streams_(parts.streams),
      topics_(parts.topics),
      io_(parts.io),
      stats_(parts.stats),
      closes_(parts.closes),
      replays_(parts.replays),
      options_(parts.options),
      random_(parts.options.random_seed) {
  pieces_.reserve(kPiecesPerWrite);
}

void Delivery::append_framed(std::string& out, Framing framing, std::string_view text) {
  if (framing == Framing::chunked) {
    append_chunk(out, text);
  } else {
    out += text;
  }
}

std::uint32_t Delivery::retry_ms() {
  return random_.between(kRetryMsMin, kRetryMsMax);
}

void Delivery::offer(StreamIndex index, Frames frames, std::string_view shared, Instant now) {
  Stream& stream = streams_[index];
  CRIER_CHECK(!frames.empty());
  CRIER_CHECK(frames.front()->sequence() >= stream.sequence_next);
  if (stream.owing != kNone && !streams_.owing(stream).ring.empty()) {
    enqueue(index, frames, now);
    return;
  }
  std::size_t allowed = frames.size();
  if (paced(stream)) {
    allowed = events_allowed(stream, frames, now);
    if (allowed < frames.size()) {
      shared = {};
      if (policy(stream) == OverflowPolicy::conflate) {
        frames = newest_of_each_topic(frames);
        allowed = events_allowed(stream, frames, now);
      }
    }
  }
  Cut cut;
  if (allowed > 0) cut = write_frames(stream, frames.first(allowed), shared, now);
  if (cut.gone) {
    closes_.add(index, stream, EndReason::client_closed);
    return;
  }
  if (paced(stream)) {
    const std::size_t begun = cut.frames + (cut.bytes > 0 ? 1 : 0);
    for (const Frame* event : frames.first(begun)) pay(stream, *event, now);
  }
  if (cut.frames > 0) stream.sequence_next = frames[cut.frames - 1]->sequence() + 1;
  if (cut.frames < frames.size()) {
    // First of all it waits: without memory for a ring it would ask the log over and over.
    if (!stream.has(Stream::kBlocked)) await_tokens(index);
    fall_behind(index, frames.subspan(cut.frames), cut, now);
  }
}

// `frames` were not sent, but for the first cut.bytes bytes of the first.
void Delivery::fall_behind(StreamIndex index, Frames frames, const Cut& cut, Instant now) {
  Stream& stream = streams_[index];
  Owing* owing = streams_.rent_owing(stream);
  if (owing == nullptr || (cut.bytes > 0 && !streams_.make_room(*owing))) {
    closes_.add(index, stream, EndReason::no_memory);
    return;
  }
  CRIER_CHECK(owing->ring.empty());
  if (stream.state == StreamState::live) {
    stream.become(StreamState::owing);
    tell(stream, StreamStep::fell_behind);
  }
  if (cut.bytes > 0) {
    push(stream, *owing, FrameRef::share(*frames.front()));
    owing->oldest_sent = static_cast<std::uint32_t>(cut.bytes);
    frames = frames.subspan(1);
  }
  enqueue(index, frames, now);
}

bool Delivery::enqueue(StreamIndex index, Frames frames, Instant now) {
  Stream& stream = streams_[index];
  Owing& owing = streams_.owing(stream);
  const bool conflates = policy(stream) == OverflowPolicy::conflate;
  for (const Frame* frame : frames) {
    const bool room = conflates
                          ? make_room_by_conflating(stream, owing, *frame)
                          : make_room_for(stream, owing, frame->wire(stream.framing()).size());
    if (room) {
      push(stream, owing, FrameRef::share(*frame));
    } else if (!overflow(index, *frame, now)) {
      return false;
    }
  }
  return true;
}

// Returns true if the stream's limits allow one more frame of so many bytes.
bool Delivery::within_limits(const Stream& stream, const Owing& owing, std::size_t bytes) const {
  return owing.ring.size() < streams_.owed_events_max(stream, options_.owed_events_max) &&
         (owing.ring.empty() || owing.bytes + bytes <= options_.owed_bytes_max);
}

void Delivery::push(Stream& stream, Owing& owing, FrameRef frame) {
  if (frame->sequence() != 0) {
    CRIER_CHECK(frame->sequence() >= stream.sequence_next);
    stream.sequence_next = frame->sequence() + 1;
  }
  count_owed(stream, owing, *frame);
  owing.closes = owing.closes || frame->closes();
  owing.ring.push(std::move(frame));
  owing.conflated = false;
}

void Delivery::count_owed(const Stream& stream, Owing& owing, const Frame& frame) {
  const std::size_t bytes = frame.wire(stream.framing()).size();
  owing.bytes += static_cast<std::uint32_t>(bytes);
  stats_.queue_bytes.set(queue_bytes_ += bytes);
  owed_memory_ += frame.memory_bytes();
}

void Delivery::forget_owed(const Stream& stream, Owing& owing, const Frame& frame) {
  const std::size_t bytes = frame.wire(stream.framing()).size();
  CRIER_CHECK(bytes <= owing.bytes);
  owing.bytes -= static_cast<std::uint32_t>(bytes);
  stats_.queue_bytes.set(queue_bytes_ -= bytes);
  owed_memory_ -= frame.memory_bytes();
}

void Delivery::add_piece(std::string_view bytes) {
  pieces_.push_back({const_cast<char*>(bytes.data()), bytes.size()});
}

// Writes pieces_. When the socket refuses all of several writes in a row, wrote_at stays at the
// first, whatever became of the ring in between.
WriteOutcome Delivery::write(Stream& stream, Instant now) {
  const bool refused_before = stream.has(Stream::kBlocked) || stream.has(Stream::kStarved);
  stream.clear(Stream::kBlocked);
  stream.clear(Stream::kStarved);
  const WriteOutcome outcome = io_.write(stream.connection, pieces_);
  steps_ += kStepsPerWrite + outcome.bytes / kBytesPerStep;
  stream.bytes_sent += outcome.bytes;
  stats_.bytes_sent.add(outcome.bytes);
  if (outcome.bytes > 0 || !refused_before) stream.wrote_at = now.tick();
  if (outcome.status == WriteStatus::partial) {
    stats_.blocked_by_socket.add();
    probe::write_blocked(streams_.index_of(stream), stream.generation,
                         static_cast<std::uint32_t>(stream.connection),
                         outcome.starved ? "memory" : "socket", outcome.bytes);
    if (outcome.starved) {
      stream.set(Stream::kStarved);
      revisit(streams_.index_of(stream));  // No writable edge will tell.
    } else {
      stream.set(Stream::kBlocked);
      if (!stream.has(Stream::kOutputWatched)) {
        stream.set(Stream::kOutputWatched);
        io_.watch_output(stream.connection, streams_.token(streams_.index_of(stream)));
      }
    }
  }
  return outcome;
}

void Delivery::count_events(Stream& stream, Frames events, Instant now) {
  stream.events_sent += static_cast<std::uint32_t>(events.size());
  stats_.frames_sent.add(events.size());
  stats_.events_delivered.add(events.size());
  observe_latency(stream, events, now);
  if (watcher_ != nullptr) [[unlikely]] {
    watcher_->on_delivered(streams_.token(streams_.index_of(stream)), stream, events);
  }
}

// Counts how late each event is, if it was accepted while the stream was open. A replay of earlier
// events would count the time for which its client was away.
void Delivery::observe_latency(const Stream& stream, Frames events, Instant now) {
  const std::uint64_t ticks = now.us / kTickMicros;
  const std::uint64_t open_ticks = ticks_between(stream.opened_at, now.tick());
  const Instant opened{(ticks - std::min(ticks, open_ticks)) * kTickMicros};
  Latency::Several late(stats_.latency);
  for (const Frame* event : events) {
    const Instant accepted = event->accepted();
    if (accepted >= opened) late.observe(now > accepted ? now.us - accepted.us : 0);
  }
}

void Delivery::tell_opened(const Stream& stream, bool resumed) const {
  if (watcher_ != nullptr) [[unlikely]] {
    watcher_->on_opened(streams_.token(streams_.index_of(stream)), stream, resumed);
  }
}

void Delivery::count_gap(const Stream& stream, const Gap& gap) {
  stats_.gaps[static_cast<std::size_t>(gap.reason)].add();
  probe::gap(streams_.index_of(stream), stream.generation, to_string(gap.reason),
             gap.missed ? static_cast<std::int64_t>(*gap.missed) : -1,
             topics_[stream.topic].text());
  if (watcher_ != nullptr) [[unlikely]] {
    watcher_->on_gap(streams_.token(streams_.index_of(stream)), stream, gap);
  }
}

Delivery::Cut Delivery::write_frames(Stream& stream, Frames frames, std::string_view shared,
                                     Instant now) {
  const Framing framing = stream.framing();
  Cut cut;
  while (cut.frames < frames.size()) {
    pieces_.clear();
    std::size_t count = 0;
    if (!shared.empty()) {
      add_piece(shared);
      count = frames.size();
    }
    for (std::size_t bytes = 0; cut.frames + count < frames.size(); ++count) {
      if (pieces_.size() == kPiecesPerWrite || bytes >= kWriteBytesMax) break;
      const std::string_view wire = frames[cut.frames + count]->wire(framing);
      add_piece(wire);
      bytes += wire.size();
    }
    const WriteOutcome outcome = write(stream, now);
    if (outcome.status == WriteStatus::gone) {
      cut.gone = true;
      return cut;
    }
    std::size_t whole = outcome.status == WriteStatus::all ? count : 0;
    if (outcome.status == WriteStatus::partial) {
      cut.bytes = outcome.bytes;
      while (cut.bytes >= frames[cut.frames + whole]->wire(framing).size()) {
        cut.bytes -= frames[cut.frames + whole]->wire(framing).size();
        ++whole;
      }
    }
    if (whole > 0) count_events(stream, frames.subspan(cut.frames, whole), now);
    cut.frames += whole;
    if (outcome.status == WriteStatus::partial) return cut;
  }
  return cut;
}

void Delivery::send_own(StreamIndex index, std::string_view wire, Instant now) {
  Stream& stream = streams_[index];
  const bool behind = stream.owing != kNone && !streams_.owing(stream).ring.empty();
  const std::size_t left = behind ? wire.size() : write_own(index, wire, now);
  if (left == 0) return;
  Owing* owing = streams_.rent_owing(stream);
  if (owing == nullptr || !streams_.make_room(*owing)) {
    closes_.add(index, stream, EndReason::no_memory);
    return;
  }
  if (stream.state == StreamState::live) stream.become(StreamState::owing);
  push(stream, *owing, Frame::make_raw(wire));
  if (!behind) owing->oldest_sent = static_cast<std::uint32_t>(wire.size() - left);
}

std::size_t Delivery::write_own(StreamIndex index, std::string_view wire, Instant now) {
  Stream& stream = streams_[index];
  pieces_.clear();
  add_piece(wire);
  const WriteOutcome outcome = write(stream, now);
  if (outcome.status == WriteStatus::gone) closes_.add(index, stream, EndReason::client_closed);
  if (outcome.status == WriteStatus::all) stats_.frames_sent.add();
  return outcome.status == WriteStatus::partial ? wire.size() - outcome.bytes : 0;
}

Delivery::Gathered Delivery::gather(Stream& stream, Owing& owing, Instant now) {
  Gathered gathered;
  pieces_.clear();
  std::optional<Allowance> allowance;
  if (paced(stream)) allowance = allowance_of(stream, now);
  const bool any_tokens = !allowance || allowance->any();
  if (any_tokens && !owing.conflated && policy(stream) == OverflowPolicy::conflate) {
    conflate(stream, owing, nullptr);
  }
  for (std::uint32_t i = 0; i < owing.ring.size(); ++i) {
    const Frame& frame = *owing.ring[i];
    const bool begun = i == 0 && owing.oldest_sent > 0;
    const std::string_view wire = frame.wire(stream.framing());
    if (frame.sequence() != 0 && !begun) {
      if (owing.dropped > 0) break;  // The loss is announced before the event that follows it.
      gathered.out_of_tokens = allowance && !allowance->take(wire.size());
      if (gathered.out_of_tokens) break;
    }
    add_piece(wire.substr(begun ? owing.oldest_sent : 0));
    gathered.bytes += pieces_.back().iov_len;
    if (pieces_.size() == kPiecesPerWrite || gathered.bytes >= kWriteBytesMax) break;
  }
  return gathered;
}

// Forgets the oldest `bytes` bytes of what is owed: they were sent.
void Delivery::drop_sent(Stream& stream, Owing& owing, std::size_t bytes, Instant now) {
  while (bytes > 0) {
    const Frame& frame = *owing.ring[0];
    const std::size_t size = frame.wire(stream.framing()).size();
    const bool is_event = frame.sequence() != 0;
    if (is_event && owing.oldest_sent == 0 && paced(stream)) pay(stream, frame, now);
    const std::size_t taken = std::min(bytes, size - owing.oldest_sent);
    bytes -= taken;
    owing.oldest_sent += static_cast<std::uint32_t>(taken);
    if (owing.oldest_sent < size) return;
    if (is_event) {
      const Frame* event = &frame;
      count_events(stream, {&event, 1}, now);
    } else {
      stats_.frames_sent.add();
    }
    forget_owed(stream, owing, frame);
    owing.ring.pop();
    owing.oldest_sent = 0;
  }
}

void Delivery::drain(StreamIndex index, Instant now) {
  Stream& stream = streams_[index];
  Owing& owing = streams_.owing(stream);
  const std::uint64_t stop = steps_ + kSliceSteps;
  while (true) {
    if (owing.dropped > 0) announce_dropped(index);
    if (owing.ring.empty()) {
      stream.clear(Stream::kBlocked);
      settle(index);
      end_if_closed(index, now);
      return;
    }
    const Gathered gathered = gather(stream, owing, now);
    if (gathered.bytes == 0) {
      CRIER_CHECK(gathered.out_of_tokens);
      stream.clear(Stream::kBlocked);
      await_tokens(index);
      return;
    }
    const WriteOutcome outcome = write(stream, now);
    drop_sent(stream, owing, outcome.bytes, now);
    if (outcome.status == WriteStatus::gone) {
      closes_.add(index, stream, EndReason::client_closed);
      return;
    }
    if (outcome.status == WriteStatus::partial) return;
    // An empty ring is not left to a later turn: a loss is announced before the next event.
    if (steps_ >= stop && !owing.ring.empty()) {
      drain_later(index);
      return;
    }
  }
}

void Delivery::settle(StreamIndex index) {
  Stream& stream = streams_[index];
  Owing& owing = streams_.owing(stream);
  if (stream.state == StreamState::ending) {
    closes_.add(index, stream, owing.end_reason);
  } else if (stream.state == StreamState::owing) {
    release(index);
    stream.become(StreamState::live);
    stream.clear(Stream::kStarved);  // The log had nothing more for it.
    tell(stream, StreamStep::caught_up);
  } else if (stream.state == StreamState::replaying && owing.replay == ReplayState::idle) {
    owing.replay = ReplayState::waiting;
    const StreamToken token = streams_.token(index);
    // A stream without a known address stands in a line of its own.
    const bool known = stream.address != 0 || stream.has(Stream::kAddressCounted);
    replays_.add(token,
                 known ? stream.address : std::uint64_t{token.generation} << 32 | token.index);
  }
}

void Delivery::release(StreamIndex index) {
  Stream& stream = streams_[index];
  if (stream.owing == kNone) return;
  Owing& owing = streams_.owing(stream);
  for (std::uint32_t i = 0; i < owing.ring.size(); ++i) {
    forget_owed(stream, owing, *owing.ring[i]);
  }
  streams_.give_back_owing(stream);
}

}  // namespace crier::broadcast
