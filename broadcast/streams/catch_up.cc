#include "broadcast/streams/catch_up.h"

#include <algorithm>
#include <utility>

#include "broadcast/streams/own_events.h"
#include "core/turn_limits.h"

namespace crier::broadcast {
namespace {

constexpr std::size_t kPartBytesMax = 256 * 1024;

}  // namespace

std::size_t CatchUp::part_bytes() const {
  return std::min<std::size_t>(kPartBytesMax, parts_.options.owed_bytes_max);
}

void CatchUp::ask() {
  const bool memory_is_short = parts_.options.memory_is_at(MemoryStage::replays_wait);
  const std::size_t at_once =
      memory_is_short
          ? 1
          : std::clamp<std::size_t>(parts_.options.replay_bytes_in_flight_max / part_bytes(), 1,
                                    kReplaysInFlightMax);
  while (parts_.queue.in_flight() < at_once) {
    const auto token = parts_.queue.next();
    if (!token) break;
    Stream* stream = parts_.streams.find(*token);
    const bool wanted = stream != nullptr && stream->state == StreamState::replaying &&
                        parts_.streams.owing(*stream).replay == ReplayState::waiting;
    if (!wanted) {
      parts_.queue.answered(*token);
      continue;
    }
    Owing& owing = parts_.streams.owing(*stream);
    if (!parts_.port.ask(request_of(*token, *stream))) {
      parts_.queue.put_back(*token);
      break;
    }
    owing.replay = ReplayState::asked;
  }
  parts_.stats.replays_waiting.set(parts_.queue.waiting());
}

ReplayRequest CatchUp::request_of(StreamToken token, Stream& stream) const {
  const Owing& owing = parts_.streams.owing(stream);
  ReplayRequest request;
  request.stream = token.index;
  request.generation = token.generation;
  request.subscriptions = parts_.topics.subscriptions(stream);
  request.from = owing.from;
  request.after = stream.sequence_next - 1;
  request.last_count = owing.last_count;
  request.last = parts_.streams.last_starts(token.index);
  if (request.last && request.after >= request.last->head) request.last = nullptr;
  request.evictions_told = owing.evictions_told;
  request.connected = owing.connected;
  request.newest_only =
      (*parts_.options.classes)[stream.topic_class].policy == OverflowPolicy::conflate;
  request.bytes_max = part_bytes();
  // Leaves room in the ring for crier.open and crier.gap, which are sent first.
  constexpr std::uint32_t kOwnFrames = 4;
  const std::uint32_t events_max =
      parts_.streams.owed_events_max(stream, parts_.options.owed_events_max);
  request.frames_max = std::max(events_max, kOwnFrames + 1) - kOwnFrames;
  return request;
}

void CatchUp::take(ReplayAnswer&& answer, Instant now) {
  const StreamToken token{answer.generation, answer.stream};
  parts_.queue.answered(token);
  Stream* stream = parts_.streams.find(token);
  if (stream == nullptr || stream->state != StreamState::replaying) return;
  Owing& owing = parts_.streams.owing(*stream);
  if (owing.replay != ReplayState::asked) return;
  owing.replay = ReplayState::none;
  announce(token.index, answer, now);
  if (stream->state == StreamState::closing) return;
  // A later request continues from the position that crier.open or crier.gap told the client.
  const std::uint64_t told = answer.gap ? answer.gap->resumed_at : answer.position;
  if (answer.gap && answer.gap->reason == GapReason::unknown_id) {
    stream->sequence_next = told + 1;  // It was beyond the head.
  } else {
    stream->sequence_next = std::max({stream->sequence_next, answer.position + 1, told + 1});
  }
  owing.from = ReplayFrom::sequence;
  owing.connected = true;  // The client is connected now, so further losses are `overflow`.
  owing.evictions_told = answer.evictions_told;
  if (answer.last) parts_.streams.set_last_starts(token.index, std::move(answer.last));
  parts_.stats.replay_frames.add(answer.frames.size());
  std::vector<const Frame*> frames;
  for (const FrameRef& frame : answer.frames) frames.push_back(frame.get());
  if (!frames.empty()) parts_.delivery.offer(token.index, frames, {}, now);
  if (stream->state != StreamState::replaying) return;
  if (owing.replay != ReplayState::none) return;  // The stream fell back to the log again.
  stream->sequence_next = std::max(stream->sequence_next, answer.through + 1);
  continue_after(token.index, answer.reached_head, now);
  parts_.delivery.end_if_closed(token.index, now);
}

// Sends crier.open, if it had to wait for the position, and then crier.gap, if there is a gap.
void CatchUp::announce(StreamIndex index, const ReplayAnswer& answer, Instant now) {
  Stream& stream = parts_.streams[index];
  Owing& owing = parts_.streams.owing(stream);
  scratch_.clear();
  std::string text;
  if (!owing.opened) {
    std::string id;
    append_event_id(id, parts_.options.epoch, answer.position);
    append_open_event(text, id, parts_.delivery.retry_ms());
    Delivery::append_framed(scratch_, stream.framing(), text);
    owing.opened = true;
  }
  if (answer.gap) {
    text.clear();
    append_gap_event(text, *answer.gap, parts_.options.epoch);
    Delivery::append_framed(scratch_, stream.framing(), text);
    parts_.delivery.count_gap(stream, *answer.gap);
  }
  if (!scratch_.empty()) parts_.delivery.send_own(index, scratch_, now);
}

// Decides how the stream continues after an answer: live once it has sent all, or with a next
// request.
void CatchUp::continue_after(StreamIndex index, bool reached_head, Instant now) {
  Stream& stream = parts_.streams[index];
  Owing& owing = parts_.streams.owing(stream);
  const bool sent_all = owing.ring.empty() && owing.dropped == 0;
  if (reached_head) {
    if (std::exchange(owing.resumes, false)) {
      parts_.stats.resuming.observe(std::uint64_t{ticks_between(stream.opened_at, now.tick())} *
                                    (kTickMicros / 1'000));
    }
    stream.become(StreamState::owing);
  } else {
    owing.replay = ReplayState::idle;
  }
  if (sent_all) parts_.delivery.settle(index);
}

}  // namespace crier::broadcast
