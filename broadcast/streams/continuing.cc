// Delivery continued: the rates of streams, and streams that had to stop before all was sent and
// continue in a later slice or round.

#include <algorithm>

#include "broadcast/streams/delivery.h"
#include "core/probe.h"
#include "core/turn_limits.h"

namespace crier::broadcast {
namespace {

// Tokens for which a stream waits before it asks the log, or its burst if that is less.
constexpr std::size_t kBytesToAsk = 16 * 1'024;

}  // namespace

TokenRate Delivery::rate(const Stream& stream) const {
  const TokenRate own = streams_.own_limits(stream).rate;
  return own.unlimited() ? class_of(stream).rate : own;
}

// A stream that is on its way out is not held back: what it is owed goes while there is time.
bool Delivery::paced(const Stream& stream) const {
  return (!rate(stream).unlimited() || !class_of(stream).bytes_rate.unlimited()) &&
         stream.state != StreamState::ending;
}

Delivery::Allowance Delivery::allowance_of(Stream& stream, Instant now) {
  const TopicClass& row = class_of(stream);
  const TokenRate events = rate(stream);
  Allowance allowance{kNone, row.bytes_rate, {}, now};
  if (!events.unlimited()) allowance.events = stream.bucket.available(events, now);
  if (!row.bytes_rate.unlimited()) allowance.bytes = streams_.byte_bucket(stream);
  return allowance;
}

bool Delivery::Allowance::any() const {
  return events > 0 && (bytes_rate.unlimited() || bytes.wait_ns(bytes_rate, 1, now) == 0);
}

bool Delivery::Allowance::take(std::size_t wire_bytes) {
  if (events == 0) return false;
  if (!bytes_rate.unlimited()) {
    if (bytes.wait_ns(bytes_rate, wire_bytes, now) > 0) return false;
    bytes.take(bytes_rate, wire_bytes, now);
  }
  --events;
  return true;
}

// Returns how many of the events, from the first, may be sent now.
std::size_t Delivery::events_allowed(Stream& stream, Frames events, Instant now) {
  Allowance left = allowance_of(stream, now);
  if (left.bytes_rate.unlimited()) return std::min<std::size_t>(left.events, events.size());
  const Framing framing = stream.framing();
  const auto held = std::ranges::find_if(
      events, [&](const Frame* event) { return !left.take(event->wire(framing).size()); });
  return static_cast<std::size_t>(held - events.begin());
}

// Uses up the tokens of an event of which the first bytes were sent.
void Delivery::pay(Stream& stream, const Frame& event, Instant now) {
  const TopicClass& row = class_of(stream);
  stream.bucket.take(rate(stream), 1);
  if (row.bytes_rate.unlimited()) return;
  streams_.byte_bucket(stream).take(row.bytes_rate, event.wire(stream.framing()).size(), now);
}

bool Delivery::awaits_tokens(const Stream& stream) const {
  if (!stream.has(Stream::kRevisited) || stream.has(Stream::kStarved)) return false;
  if (stream.owing == kNone || stream.has(Stream::kBlocked)) return false;
  if (stream.state == StreamState::ending) return false;
  const Owing& owing = streams_.owing(stream);
  return !owing.ring.empty() && owing.oldest_sent == 0;
}

void Delivery::send_heartbeat(StreamIndex index, std::string_view wire, Instant now) {
  Stream& stream = streams_[index];
  if (!awaits_tokens(stream)) return send_own(index, wire, now);
  const std::size_t left = write_own(index, wire, now);
  if (left == 0) return;
  Owing& owing = streams_.owing(stream);
  if (left == wire.size()) return;  // A full socket shows that the connection is alive.
  if (!streams_.make_room(owing)) {
    closes_.add(index, stream, EndReason::no_memory);
    return;
  }
  const FrameRef heartbeat = Frame::make_raw(wire);
  count_owed(stream, owing, *heartbeat);
  owing.ring.push_front(heartbeat);
  owing.oldest_sent = static_cast<std::uint32_t>(wire.size() - left);
}

void Delivery::drain_later(StreamIndex index) {
  Stream& stream = streams_[index];
  if (stream.has(Stream::kListed)) return;
  stream.set(Stream::kListed);
  listed_.push_back(streams_.token(index));
}

void Delivery::await_tokens(StreamIndex index) {
  if (const Stream& stream = streams_[index]; !stream.has(Stream::kRevisited)) {
    stats_.blocked_by_rate.add();
    probe::write_blocked(index, stream.generation, static_cast<std::uint32_t>(stream.connection),
                         "rate", 0);
  }
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

// Returns true if a replaying stream must wait for tokens before it asks the log. A stream without
// tokens and without memory for a ring could neither send nor keep the answer, and would ask again.
// For an event that needs more than kBytesToAsk it asks again until there are enough.
bool Delivery::needs_tokens_to_ask(Stream& stream, Instant now) {
  if (stream.state != StreamState::replaying || !paced(stream)) return false;
  const Owing& owing = streams_.owing(stream);
  return owing.ring.empty() && owing.dropped == 0 && !allowance_of(stream, now).take(kBytesToAsk);
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
