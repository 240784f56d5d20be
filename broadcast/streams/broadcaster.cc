#include "broadcast/streams/broadcaster.h"

#include <algorithm>
#include <utility>

#include "broadcast/streams/own_events.h"
#include "core/check.h"
#include "core/probe.h"
#include "core/turn_limits.h"

namespace crier::broadcast {
namespace {

// Streams that one slice looks at after events were lost.
constexpr std::size_t kLostLooks = 64;
// A client can lower its ring to this part of owed_events_max, and not below so many events, the
// least value of owed_events_max: crier's own events need some of them.
constexpr std::uint64_t kOwedPartLeast = 8;
constexpr std::uint64_t kOwedEventsLeast = 8;

}  // namespace

Broadcaster::Broadcaster(const Parts& parts, WorkerOptions options)
    : options_(std::move(options)),
      io_(parts.io),
      observer_(parts.observer),
      stats_(parts.stats),
      counts_(parts.counts),
      streams_({options_.streams_max, options_.ring_frames_max, options_.ring_bytes_max,
                options_.first_generation}),
      topics_(streams_, options_.topic_key, options_.topics_max, options_.patterns_max,
              counts_.topic_cap()),
      delivery_({streams_, topics_, io_, stats_, closes_, replay_queue_, options_}),
      fanout_(streams_, topics_, delivery_, stats_),
      catch_up_({streams_, topics_, delivery_, replay_queue_, parts.replays, stats_, options_}),
      owed_bound_(streams_, delivery_, options_),
      sweep_({streams_, delivery_, closes_, io_, stats_, options_}) {
  CRIER_CHECK(options_.classes != nullptr);
  CRIER_CHECK(options_.owed_events_max <= options_.ring_frames_max);
  CRIER_CHECK(options_.workers >= 1);
  CRIER_CHECK(options_.frames != nullptr);
  CRIER_CHECK(options_.history_bytes != nullptr);
}

std::expected<void, Refused> Broadcaster::start(StreamToken token, const StartRequest& request,
                                                Instant now) {
  Stream& stream = *streams_.find(token);
  CRIER_CHECK(stream.state == StreamState::reserved);
  if (const auto entered = enter_topics(token.index, request.subscriptions); !entered) {
    cancel(token);
    return std::unexpected(entered.error());
  }
  if (!request.trace_id.empty()) streams_.set_trace_id(stream, request.trace_id);
  stream.topic_class = options_.classes->of_subscriptions(request.subscriptions);
  stream.connection = request.connection;
  if (request.framing == Framing::plain) stream.set(Stream::kPlain);
  if (request.canary) stream.set(Stream::kCanary);
  if (!stream.has(Stream::kAddressCounted)) {
    stream.address = static_cast<std::uint32_t>(request.address_hash);
  }
  set_own_limits(stream, request, now);
  stream.sequence_next = request.resume.after + 1;
  stream.become(StreamState::live);
  stats_.opened.add();
  if (request.requested.us != 0) stats_.opening.observe(now.us - request.requested.us);
  if (request.canary) stats_.canaries_opened.add();
  delivery_.tell_opened(stream, request.resume.asked());
  // Keeps the first write from asking for writable edges: watch() asks if that write was cut short.
  stream.set(Stream::kOutputWatched);
  if (request.resume.kind == ResumePlan::Kind::replay) {
    begin_replay(token.index, request, now);
  } else {
    write_prelude(token.index, request, now);
    delivery_.end_if_closed(token.index, now);
  }
  if (!stream.has(Stream::kBlocked)) stream.clear(Stream::kOutputWatched);
  if (!io_.watch(stream.connection, token, stream.has(Stream::kOutputWatched))) {
    closes_.add(token.index, stream, EndReason::no_memory);
  }
  probe::stream_open(token.index, token.generation, static_cast<std::uint32_t>(stream.connection),
                     request.requested.us != 0 ? now.us - request.requested.us : 0,
                     request.resume.asked());
  observer_.on_stream_opened(token, stream, request.resume.asked());
  return {};
}

// Fills the stream's buckets, and sets the limits that its client asked to have lowered. The events
// that the client still has to process are taken out of its first burst and out of its ring.
void Broadcaster::set_own_limits(Stream& stream, const StartRequest& request, Instant now) {
  const TopicClass& row = (*options_.classes)[stream.topic_class];
  if (!row.bytes_rate.unlimited()) streams_.byte_bucket(stream) = CostBucket();
  stream.bucket.reset(now);
  TokenRate rate = row.rate;
  for (const std::uint32_t wanted : {request.rate, request.consumer.throughput}) {
    if (wanted > 0) rate = rate.lowered_to(wanted);
  }
  const Consumer& consumer = request.consumer;
  if (!rate.unlimited()) {
    stream.bucket.take(rate, std::min(consumer.lag, stream.bucket.available(rate, now)));
  }
  const std::uint64_t most = options_.owed_events_max;
  std::uint64_t events = most;
  if (consumer.throughput > 0) {
    events = std::min(events, std::uint64_t{consumer.throughput} * options_.owing_seconds_max);
  }
  const std::uint64_t least = std::max(most / kOwedPartLeast, kOwedEventsLeast);
  events = std::max(events - std::min<std::uint64_t>(events, consumer.lag), std::min(least, most));
  const OwnLimits own{.rate = rate == row.rate ? TokenRate() : rate,
                      .owed_events_max = events == most ? 0 : static_cast<std::uint32_t>(events)};
  if (own != OwnLimits()) streams_.set_own_limits(stream, own);
}

void Broadcaster::begin_replay(StreamIndex index, const StartRequest& request, Instant now) {
  Stream& stream = streams_[index];
  Owing* owing = streams_.rent_owing(stream);
  CRIER_CHECK(owing != nullptr);  // There are as many as slots.
  stats_.resumed.add();
  stream.become(StreamState::replaying);
  owing->replay = ReplayState::idle;
  owing->resumes = true;
  owing->from = request.resume.from;
  owing->last_count = request.resume.last_count;
  // If the client sent no id, only the answer tells where the stream begins.
  owing->opened = !request.resume.id.empty();
  write_prelude(index, request, now);
  if (stream.state == StreamState::replaying && owing->ring.empty()) delivery_.settle(index);
}

// Sends what is known at once in one write: head, padding, crier.open, for an unknown id the gap,
// and without a position the topics that are closed.
void Broadcaster::write_prelude(StreamIndex index, const StartRequest& request, Instant now) {
  const Stream& stream = streams_[index];
  const ResumePlan& resume = request.resume;
  prelude_ = request.head;
  std::string text;
  if (request.padding) {
    append_padding(text);
    Delivery::append_framed(prelude_, stream.framing(), text);
  }
  std::string id(resume.id);
  const bool waits_for_position = resume.kind == ResumePlan::Kind::replay && id.empty();
  if (!waits_for_position) {
    if (id.empty()) append_event_id(id, options_.epoch, resume.after);
    text.clear();
    append_open_event(text, id, delivery_.retry_ms());
    Delivery::append_framed(prelude_, stream.framing(), text);
  }
  if (resume.kind == ResumePlan::Kind::unknown_id) {
    text.clear();
    const Gap gap{GapReason::unknown_id, std::nullopt, resume.after};
    append_gap_event(text, gap, options_.epoch);
    Delivery::append_framed(prelude_, stream.framing(), text);
    delivery_.count_gap(stream, gap);
  }
  const bool named_position = resume.kind == ResumePlan::Kind::replay || !resume.id.empty();
  if (!named_position) append_closings(stream, id, resume.after);
  delivery_.send_own(index, prelude_, now);
}

// The position is the id of these events, because the client is owed what comes after it.
void Broadcaster::append_closings(const Stream& stream, std::string_view id,
                                  std::uint64_t position) {
  if (!options_.any_closed()) return;
  streams_.for_each_subscription(stream, [&](const Subscription& subscription) {
    const TopicEntry& row = topics_[subscription.row];
    if (row.kind == Selector::Kind::pattern || !options_.closed_by(position, row.hash)) return;
    std::string text;
    append_closed_event(text, row.text(), id);
    Delivery::append_framed(prelude_, stream.framing(), text);
  });
}

bool Broadcaster::is_over(std::span<const Selector> subscriptions, const ResumePlan& resume) const {
  const bool named_position = !resume.id.empty() && resume.from == ReplayFrom::sequence;
  if (!named_position || !options_.any_closed()) return false;
  return std::ranges::all_of(subscriptions, [&](const Selector& selector) {
    return !selector.is_pattern() &&
           options_.closed_by(resume.after, keyed_hash(options_.topic_key, selector.text));
  });
}

void Broadcaster::on_writable(StreamToken token, Instant now) {
  Stream* stream = streams_.find(token);
  if (stream == nullptr || stream->owing == kNone) return;
  if (stream->state == StreamState::closing || !stream->has(Stream::kBlocked)) return;
  if (turn_steps_ >= kSliceSteps) {
    delivery_.drain_later(token.index);
    return;
  }
  const std::uint64_t before = delivery_.steps();
  delivery_.drain(token.index, now);
  turn_steps_ += delivery_.steps() - before;
}

// A subscriber has no reason to send anything, so its input is only counted. One read is enough: if
// more input follows, the stream ends.
void Broadcaster::on_readable(StreamToken token) {
  Stream* stream = streams_.find(token);
  if (stream == nullptr || stream->state == StreamState::closing) return;
  const DiscardOutcome input = io_.discard_input(stream->connection, kInputDiscardBytes + 1);
  const std::size_t kib = stream->discarded_input_kib + (input.bytes + 1'023) / 1'024;
  stream->discarded_input_kib = static_cast<std::uint8_t>(std::min<std::size_t>(kib, 255));
  if (kib * 1'024 > kInputDiscardBytes) {
    closes_.add(token.index, *stream, EndReason::input_flood);
  } else if (input.end == InputEnd::closed || input.end == InputEnd::error) {
    closes_.add(token.index, *stream, EndReason::client_closed);
  }
}

void Broadcaster::on_peer_closed(StreamToken token) {
  if (Stream* stream = streams_.find(token); stream != nullptr) {
    closes_.add(token.index, *stream, EndReason::client_closed);
  }
}

bool Broadcaster::wants_input() const {
  return !lost_ && !fanout_.full() && !owed_bound_.unfinished() && turn_steps_ < kTurnSteps / 2;
}

void Broadcaster::take_batch(const SharedBatch& batch) {
  CRIER_CHECK(!lost_);
  stats_.batches.add();
  stats_.batch_events.observe(batch->size());
  if (batch->empty()) return;
  probe::batch(batch->size(), batch->front()->sequence(), batch->back()->sequence(),
               micros_since_boot(batch->front()->accepted()));
  fanout_.add(batch);
}

void Broadcaster::take_answer(ReplayAnswer&& answer, Instant now) {
  const std::uint64_t before = delivery_.steps();
  catch_up_.take(std::move(answer), now);
  turn_steps_ += delivery_.steps() - before;
}

void Broadcaster::take_lost(const LostEvents& lost) {
  CRIER_CHECK(!lost_);
  stats_.lost_pauses.add();
  lost_ = Lost{lost.from, lost.through, std::nullopt, 0};
  if (!lost.topics) return;
  std::vector<TopicEntryIndex>& rows = lost_->rows.emplace();
  for (const std::string& topic : *lost.topics) {
    if (const auto row = topics_.find(topic)) rows.push_back(*row);
    topics_.patterns().match(topic, rows);
  }
  std::ranges::sort(rows);
  if (rows.empty()) lost_.reset();
}

// Returns true if the stream may have wanted a lost event. If a row was given to another topic
// since the notice, that topic's streams ask for a replay that brings nothing, which is harmless.
bool Broadcaster::concerns(const Lost& lost, const Stream& stream) const {
  if (!lost.rows) return true;
  const auto listed = [&](TopicEntryIndex row) {
    return std::ranges::binary_search(*lost.rows, row);
  };
  bool concerned = false;
  streams_.for_each_subscription(
      stream, [&](const Subscription& of) { concerned = concerned || listed(of.row); });
  return concerned;
}

// Handles a notice of lost events. All pending frames were offered before, so a live or owing
// stream has every event before `from`. Only the log can tell whether the stream missed one after
// that.
void Broadcaster::handle_lost() {
  const std::size_t end = streams_.end();
  for (std::size_t n = 0; n < kLostLooks && lost_->next < end; ++n, ++lost_->next) {
    Stream& stream = streams_[lost_->next];
    const bool listens = stream.state == StreamState::live || stream.state == StreamState::owing;
    if (!listens || stream.sequence_next > lost_->through) continue;
    if (!concerns(*lost_, stream)) continue;
    stream.sequence_next = std::max(stream.sequence_next, lost_->from);
    delivery_.rejoin_log(lost_->next);
  }
  if (lost_->next >= end) lost_.reset();
}

// Each kind of work leaves a part of the slice to the next kind. The next kind gets a quarter of
// the slice even if one write used up everything.
void Broadcaster::run(Instant now) {
  std::size_t left = kSliceSteps;
  const auto spend = [&](std::size_t steps) {
    left = std::max(kSliceSteps / 4, left - std::min(left, steps));
  };
  const bool others = owed_bound_.unfinished() || fanout_.unfinished();
  spend(delivery_.continue_listed(others || delivery_.in_round() ? left / 2 : left, now));
  spend(delivery_.continue_round(others ? left / 2 : left, now));
  spend(delivery_.continue_dropping(others ? left / 4 : left));
  if (owed_bound_.unfinished()) {
    owed_bound_.run(now);
  } else if (fanout_.unfinished()) {
    fanout_.run(left, now);
  } else if (lost_) {
    handle_lost();
  }
  catch_up_.ask();
}

bool Broadcaster::unfinished() const {
  return fanout_.unfinished() || lost_.has_value() || delivery_.any_listed() ||
         delivery_.in_round() || delivery_.any_to_drop() || owed_bound_.unfinished();
}

void Broadcaster::tick(Instant now) {
  sweep_.tick(now);
}

void Broadcaster::begin_drain(std::uint32_t spread_ms, Instant now, bool ids_end) {
  if (draining_) return;
  draining_ = true;
  const std::uint64_t ms = std::uint64_t{spread_ms} + kDrainLastMs;
  delivery_.set_drain(Instant{now.us + ms * 1'000}, ids_end);
  sweep_.begin_drain(spread_ms, now);
}

void Broadcaster::cut_all() {
  draining_ = true;
  for (std::size_t index = 0; index < streams_.end(); ++index) {
    Stream& stream = streams_[static_cast<StreamIndex>(index)];
    if (stream.state == StreamState::vacant) continue;
    closes_.add(static_cast<StreamIndex>(index), stream, EndReason::drain_cut);
  }
}

void Broadcaster::finish_turn(Instant now) {
  turn_steps_ = 0;
  catch_up_.ask();
  closes_.finish_turn([&](StreamIndex index, EndReason reason) { vacate(index, reason, now); });
  stats_.streams.set(streams_.size());
  stats_.streams_owing.set(streams_.owing_count());
  stats_.ring_bytes.set(streams_.ring_bytes());
  if (checks_.due(streams_.end())) CRIER_SLOW_CHECK(consistent());
}

void Broadcaster::vacate(StreamIndex index, EndReason reason, Instant now) {
  Stream& stream = streams_[index];
  stats_.ended[static_cast<std::size_t>(reason)].add();
  if (stream.has(Stream::kCanary)) stats_.canaries_ended[static_cast<std::size_t>(reason)].add();
  const std::uint64_t duration_ms =
      std::uint64_t{ticks_between(stream.opened_at, now.tick())} * (kTickMicros / 1'000);
  stats_.duration.observe(duration_ms);
  probe::stream_end(index, stream.generation, to_string(reason), duration_ms, stream.bytes_sent,
                    stream.events_sent);
  observer_.on_stream_ended(streams_.token(index), stream, reason, now);
  if (options_.classes->cap_streams()) leave_rows(topics_.subscriptions(stream));
  topics_.leave(index);
  delivery_.release(index);
  give_back_counts(stream);
  streams_.drop_trace_id(stream);
  io_.close(std::exchange(stream.connection, ConnectionHandle::none));
  streams_.vacate(index);
}

void Broadcaster::set_live_options(const WorkerOptions& wanted) {
  options_.owed_total_bytes_max = wanted.owed_total_bytes_max;
  options_.owing_seconds_max = wanted.owing_seconds_max;
  options_.heartbeat_seconds = wanted.heartbeat_seconds;
  options_.stream_seconds_max = wanted.stream_seconds_max;
}

std::uint32_t Broadcaster::subscribers(std::string_view topic) const {
  return topics_.subscribers(topic);
}

bool Broadcaster::consistent() const {
  if (!topics_.consistent()) return false;
  if (!fanout_.unfinished() && fanout_.pending_bytes() != 0) return false;
  std::size_t taken = 0;
  std::size_t owing = 0;
  std::uint64_t owed_bytes = 0;
  for (std::size_t index = 0; index < streams_.end(); ++index) {
    if (!streams_.taken(static_cast<StreamIndex>(index))) continue;
    ++taken;
    const Stream& stream = streams_[static_cast<StreamIndex>(index)];
    if (stream.state == StreamState::vacant) return false;
    if (stream.state == StreamState::live && stream.owing != kNone) return false;
    if (stream.state == StreamState::owing && stream.owing == kNone) return false;
    if (stream.owing == kNone) continue;
    ++owing;
    const Ring& ring = streams_.owing(stream).ring;
    std::uint64_t bytes = 0;
    for (std::uint32_t i = 0; i < ring.size(); ++i) bytes += ring[i]->wire(stream.framing()).size();
    if (bytes != streams_.owing(stream).bytes) return false;
    owed_bytes += bytes;
  }
  if (owing != streams_.owing_count() || owed_bytes != stats_.queue_bytes.read()) return false;
  return taken == streams_.size() && counts_consistent();
}

}  // namespace crier::broadcast
