#include "broadcast/streams/stream_table.h"

#include <algorithm>
#include <new>

#include "core/check.h"

namespace crier::broadcast {

StreamTable::StreamTable(const Sizes& sizes)
    : slots_(sizes.streams_max),
      owings_(sizes.streams_max),
      rings_(sizes.ring_frames_max, sizes.ring_bytes_max),
      further_(sizes.streams_max),
      traces_(sizes.streams_max),
      byte_buckets_(sizes.streams_max),
      own_limits_(sizes.streams_max),
      next_generation_(sizes.first_generation) {}

// Gives back what the objects own, because the pools call no destructors.
StreamTable::~StreamTable() {
  for (std::size_t index = 0; index < slots_.end(); ++index) {
    if (!slots_.is_rented(index)) continue;
    give_back_owing(slots_[index]);
    drop_subscriptions(slots_[index]);
    drop_trace_id(slots_[index]);
  }
}

std::optional<StreamToken> StreamTable::reserve(Instant now) {
  const auto index = slots_.rent();
  if (!index) return std::nullopt;
  Stream& stream = *new (&slots_[*index]) Stream();
  // Generation 0 never names a stream, because untouched memory is all zero.
  if (next_generation_ == 0) ++next_generation_;
  stream.generation = next_generation_++;
  stream.become(StreamState::reserved);
  stream.opened_at = now.tick();
  stream.wrote_at = now.tick();
  return token(*index);
}

void StreamTable::vacate(StreamIndex index) {
  Stream& stream = slots_[index];
  CRIER_CHECK(stream.owing == kNone);
  CRIER_CHECK(stream.extra == kNone);
  if (own_limits(stream) != OwnLimits()) {
    own_limits_[index] = OwnLimits();
    --own_limits_set_;
  }
  stream.become(StreamState::vacant);
  stream.generation = 0;
  slots_.give_back(index);
}

Stream* StreamTable::find(StreamToken token) {
  if (token.index >= slots_.capacity() || token.generation == 0) return nullptr;
  if (!slots_.is_rented(token.index)) return nullptr;
  Stream& stream = slots_[token.index];
  return stream.generation == token.generation ? &stream : nullptr;
}

Owing* StreamTable::rent_owing(Stream& stream) {
  if (stream.owing == kNone) {
    const auto index = owings_.rent();
    if (!index) return nullptr;
    new (&owings_[*index]) Owing();
    stream.owing = *index;
  }
  return &owings_[stream.owing];
}

Owing& StreamTable::owing(const Stream& stream) {
  CRIER_CHECK(stream.owing != kNone);
  return owings_[stream.owing];
}

const Owing& StreamTable::owing(const Stream& stream) const {
  CRIER_CHECK(stream.owing != kNone);
  return owings_[stream.owing];
}

void StreamTable::give_back_owing(Stream& stream) {
  if (stream.owing == kNone) return;
  if (!last_starts_.empty()) last_starts_.erase(index_of(stream));
  Owing& owing = owings_[stream.owing];
  while (!owing.ring.empty()) owing.ring.pop();
  if (owing.ring.capacity() > 0) rings_.give_back(owing.ring.storage());
  owing.ring = Ring();
  owings_.give_back(stream.owing);
  stream.owing = kNone;
}

void StreamTable::set_own_limits(const Stream& stream, const OwnLimits& limits) {
  CRIER_CHECK(limits != OwnLimits());
  CRIER_CHECK(own_limits(stream) == OwnLimits());
  own_limits_[index_of(stream)] = limits;
  ++own_limits_set_;
}

bool StreamTable::grow_ring(Owing& owing) {
  Ring& ring = owing.ring;
  if (ring.capacity() == 0) {
    const auto storage = rings_.rent(RingPool::kSmallest);
    if (storage.empty()) return false;
    ring = Ring(storage);
    return true;
  }
  if (ring.capacity() >= rings_.frames_max()) return false;
  const auto larger = rings_.rent(ring.capacity() * 2);
  if (larger.empty()) return false;
  const auto smaller = ring.storage();
  ring.move_to(larger);
  rings_.give_back(smaller);
  return true;
}

void StreamTable::shrink_ring(Owing& owing) {
  Ring& ring = owing.ring;
  if (ring.capacity() <= RingPool::kSmallest || ring.size() >= RingPool::kSmallest) return;
  const auto smaller = rings_.rent(RingPool::kSmallest);
  if (smaller.empty()) return;
  const auto larger = ring.storage();
  ring.move_to(smaller);
  rings_.give_back(larger);
}

void StreamTable::set_subscriptions(Stream& stream, std::span<const Subscription> subscriptions) {
  CRIER_CHECK(!subscriptions.empty());
  CRIER_CHECK(stream.topic == kNone);
  stream.topic = subscriptions[0].row;
  stream.topic_position = subscriptions[0].position;
  const auto rest = subscriptions.subspan(1);
  if (rest.empty()) return;
  const auto index = further_.rent();
  CRIER_CHECK(index.has_value());  // There are as many as streams.
  Further& further = further_[*index];
  further.trace = trace_of(stream);
  further.count = static_cast<std::uint32_t>(rest.size());
  if (rest.size() > 1) further.subscriptions.many = new Subscription[rest.size()];
  std::ranges::copy(rest, further.all().begin());
  stream.extra = *index;
}

void StreamTable::drop_subscriptions(Stream& stream) {
  stream.topic = kNone;
  if (!has_several(stream)) return;
  Further& further = further_[stream.extra];
  if (further.count > 1) delete[] further.subscriptions.many;
  const std::uint32_t trace = further.trace;
  further_.give_back(stream.extra);
  stream.extra = trace == kNone ? kNone : (trace | kOnlyTrace);
}

void StreamTable::move(Stream& stream, const Subscription& to) {
  if (stream.topic == to.row) {
    stream.topic_position = to.position;
    return;
  }
  CRIER_CHECK(has_several(stream));
  const auto further = further_[stream.extra].all();
  const auto moved = std::ranges::find(further, to.row, &Subscription::row);
  CRIER_CHECK(moved != further.end());
  moved->position = to.position;
}

std::uint32_t StreamTable::trace_of(const Stream& stream) const {
  if (stream.extra == kNone) return kNone;
  if ((stream.extra & kOnlyTrace) != 0) return stream.extra & ~kOnlyTrace;
  return further_[stream.extra].trace;
}

void StreamTable::set_trace_id(Stream& stream, std::string_view id) {
  CRIER_CHECK(trace_of(stream) == kNone);
  const auto index = traces_.rent();
  CRIER_CHECK(index.has_value());  // There are as many as streams.
  std::uint32_t trace = *index;
  Trace& kept = traces_[*index];
  if (const auto parsed = parse_trace_id(id)) {
    kept.id = *parsed;
  } else {
    trace |= kTraceText;
    kept.text = {new char[id.size()], id.size()};
    std::ranges::copy(id, kept.text.bytes);
  }
  if (has_several(stream)) {
    further_[stream.extra].trace = trace;
  } else {
    stream.extra = trace | kOnlyTrace;
  }
}

std::string StreamTable::trace_id(const Stream& stream) const {
  const std::uint32_t trace = trace_of(stream);
  if (trace == kNone) return {};
  const Trace& kept = traces_[trace & kIndexMask];
  if ((trace & kTraceText) != 0) return {kept.text.bytes, kept.text.size};
  return to_string(kept.id);
}

void StreamTable::drop_trace_id(Stream& stream) {
  CRIER_CHECK(!has_several(stream));
  const std::uint32_t trace = trace_of(stream);
  if (trace == kNone) return;
  if ((trace & kTraceText) != 0) delete[] traces_[trace & kIndexMask].text.bytes;
  traces_.give_back(trace & kIndexMask);
  stream.extra = kNone;
}

std::shared_ptr<const LastStarts> StreamTable::last_starts(StreamIndex index) const {
  const auto found = last_starts_.find(index);
  return found == last_starts_.end() ? nullptr : found->second;
}

void StreamTable::set_last_starts(StreamIndex index, std::shared_ptr<const LastStarts> starts) {
  CRIER_CHECK(slots_[index].owing != kNone);
  last_starts_.insert_or_assign(index, std::move(starts));
}

}  // namespace crier::broadcast
