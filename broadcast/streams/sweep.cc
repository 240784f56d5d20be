#include "broadcast/streams/sweep.h"

#include <algorithm>

#include "core/text/sse_text.h"
#include "core/turn_limits.h"

namespace crier::broadcast {
namespace {

// How long a stream that is told its end may take for what it is owed.
constexpr std::uint32_t kEndingSecondsMax = 5;

bool older_than(Tick then, std::uint32_t seconds, Instant now) {
  return ticks_between(then, now.tick()) >= seconds * kTicksPerSecond;
}

// How long the stream may be open: 80 to 100 % of the bound, so that streams that opened together
// do not end together. Each generation is a golden ratio away from the one before, which spreads
// any run of them evenly.
std::uint32_t lifetime_ticks(const Stream& stream, std::uint32_t seconds_max) {
  const std::uint64_t most = std::uint64_t{seconds_max} * kTicksPerSecond;
  const std::uint32_t share = stream.generation * 0x9e37'79b9U;
  return static_cast<std::uint32_t>(most - ((most / 5 * share) >> 32));
}

}  // namespace

void Sweep::tick(Instant now) {
  if (drain_) drain(now);
  if (survey_ && survey_->is_over(now)) survey_.reset();
  const std::size_t end = parts_.streams.end();
  if (next_ >= end) finish_round();
  set_owed_max(now);
  const std::size_t even_share = end * kSweepTickMs / kSweepRoundMs + 1;
  const std::size_t stop = std::min(end, next_ + std::min(even_share, kSweepShareMax));
  const std::size_t every = (stop - next_) / kSweepSamplesMax + 1;
  std::size_t sampled = next_ + random_.next() % every;
  std::size_t writes = 0;
  while (next_ < stop && writes < kSweepWritesMax) {
    if (next_ == sampled) {
      sample(parts_.streams[static_cast<StreamIndex>(next_)], now);
      sampled += every;
    }
    ++counted_[static_cast<std::size_t>(parts_.streams[static_cast<StreamIndex>(next_)].state)];
    if (visit(static_cast<StreamIndex>(next_++), now)) ++writes;
  }
}

void Sweep::finish_round() {
  next_ = 0;
  for (std::size_t i = 0; i < kOpenStates.size(); ++i) {
    parts_.stats.in_state[i].set(counted_[static_cast<std::size_t>(kOpenStates[i])]);
  }
  counted_.fill(0);
}

void Sweep::set_owed_max(Instant now) {
  const WorkerOptions& options = parts_.options;
  if (options.memory == nullptr || !options.memory->level_is_at(MemoryStage::end_streams)) {
    return owed_max_.reset();
  }
  if (owed_max_ && now.us - halved_at_.us < 1'000'000) return;
  owed_max_ = std::max(owed_max_.value_or(options.owed_bytes_max) / 2, options.owed_bytes_max / 16);
  halved_at_ = now;
}

bool Sweep::visit(StreamIndex index, Instant now) {
  Stream& stream = parts_.streams[index];
  const WorkerOptions& options = parts_.options;
  switch (stream.state) {
    case StreamState::vacant:
    case StreamState::reserved:
    case StreamState::closing:
      return false;
    case StreamState::live:
      stream.bucket.settle(now);
      break;
    case StreamState::owing:
    case StreamState::replaying:
    case StreamState::ending: {
      stream.bucket.settle(now);
      const std::uint32_t patience = stream.state == StreamState::ending
                                         ? std::min(kEndingSecondsMax, options.owing_seconds_max)
                                         : options.owing_seconds_max;
      // A blocked stream still has events to send, if only in the history: its ring may have been
      // dropped. A listed stream waits for its worker.
      const bool waits = (stream.has(Stream::kBlocked) || stream.has(Stream::kStarved)) &&
                         !stream.has(Stream::kListed);
      if (waits && older_than(stream.wrote_at, patience, now)) {
        parts_.closes.add(index, stream, EndReason::stalled);
        return false;
      }
      if (owed_max_ && stream.state != StreamState::ending &&
          parts_.streams.owing(stream).bytes > *owed_max_) {
        parts_.delivery.end_dropping(index, EndReason::memory, now);
        return true;
      }
      if (survey_ && stream.state != StreamState::ending) survey_->see(parts_.streams, index);
      break;
    }
  }
  const std::uint32_t age_max = options.stream_seconds_max;
  if (age_max > 0 && stream.state != StreamState::ending &&
      ticks_between(stream.opened_at, now.tick()) >= lifetime_ticks(stream, age_max)) {
    parts_.delivery.end(index, EndReason::expired, now);
    return true;
  }
  return heartbeat(index, now);
}

std::vector<LagSurvey::Found> Sweep::take_lagging(Instant now) {
  if (!survey_) survey_.emplace(now);
  return survey_->take(now);
}

void Sweep::sample(const Stream& stream, Instant now) {
  const bool behind = stream.state == StreamState::owing || stream.state == StreamState::replaying;
  if (!behind && stream.state != StreamState::live) return;
  WorkerStats& stats = parts_.stats;
  const Behind waiting = behind ? parts_.streams.owing(stream).waiting() : Behind();
  // Only the log knows what a replaying stream with an empty ring is owed, so that is not counted.
  if (stream.state != StreamState::replaying || waiting.oldest) {
    const std::uint64_t since_us = std::min(now.us, waiting.oldest.value_or(now).us);
    stats.lag.observe(waiting.events);
    stats.lag_age.observe((now.us - since_us) / 1'000);
  }
  const auto path = parts_.io.path(stream.connection);
  if (!path) return;
  stats.round_trip.observe(path->round_trip_us);
  stats.unsent.observe(path->unsent_bytes);
}

bool Sweep::heartbeat(StreamIndex index, Instant now) {
  Stream& stream = parts_.streams[index];
  const bool quiet = stream.state == StreamState::live ||
                     (stream.state == StreamState::replaying &&
                      parts_.streams.owing(stream).ring.empty() && !stream.has(Stream::kBlocked)) ||
                     parts_.delivery.awaits_tokens(stream);
  if (!quiet || !older_than(stream.wrote_at, parts_.options.heartbeat_seconds, now)) return false;
  std::string wire;
  Delivery::append_framed(wire, stream.framing(), kHeartbeat);
  parts_.delivery.send_heartbeat(index, wire, now);
  parts_.stats.heartbeats.add();
  return true;
}

void Sweep::begin_drain(std::uint32_t spread_ms, Instant now) {
  drain_ = Drain{now, std::uint64_t{spread_ms} * 1'000, parts_.streams.end(), 0};
  drain(now);
}

void Sweep::drain(Instant now) {
  const std::uint64_t elapsed = now.us - drain_->from.us;
  const std::size_t target =
      elapsed >= drain_->us ? drain_->streams : drain_->streams * elapsed / drain_->us;
  for (; drain_->next < target; ++drain_->next) {
    const auto index = static_cast<StreamIndex>(drain_->next);
    const StreamState state = parts_.streams[index].state;
    if (state == StreamState::live || state == StreamState::owing ||
        state == StreamState::replaying) {
      parts_.delivery.end(index, EndReason::drained, now);
    }
  }
}

}  // namespace crier::broadcast
