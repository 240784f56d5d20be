#include "broadcast/streams/stream_table.h"

#include <algorithm>
#include <new>

#include "core/check.h"

namespace crier::broadcast {

StreamTable::StreamTable(const Sizes& sizes)
    : slots_(sizes.streams_max),
      owings_(sizes.streams_max),
      rings_(sizes.ring_frames_max, sizes.ring_bytes_max) {}

// The pools know no destructors; frames in rings are counted references.
StreamTable::~StreamTable() {
  for (std::size_t index = 0; index < slots_.end(); ++index) {
    if (slots_.is_rented(index)) give_back_owing(slots_[index]);
  }
}

std::optional<StreamToken> StreamTable::reserve(Instant now) {
  const auto index = slots_.rent();
  if (!index) return std::nullopt;
  Stream& stream = *new (&slots_[*index]) Stream();
  if (++generation_ == 0) ++generation_;  // 0 never names a stream: untouched memory is all zero.
  stream.generation = generation_;
  stream.state = StreamState::reserved;
  stream.opened_at = now.tick();
  stream.wrote_at = now.tick();
  return token(*index);
}

void StreamTable::vacate(StreamIndex index) {
  Stream& stream = slots_[index];
  CRIER_CHECK(stream.owing == kNone);
  CRIER_CHECK(stream.extra == kNone);
  stream.state = StreamState::vacant;
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
  if (stream.extra != kNone) extra(stream)->last.reset();
  Owing& owing = owings_[stream.owing];
  while (!owing.ring.empty()) owing.ring.pop();
  if (owing.ring.capacity() > 0) rings_.give_back(owing.ring.storage());
  owing.ring = Ring();
  owings_.give_back(stream.owing);
  stream.owing = kNone;
}

bool StreamTable::make_room(Owing& owing) {
  Ring& ring = owing.ring;
  if (ring.capacity() == 0) {
    const auto storage = rings_.rent(RingPool::kSmallest);
    if (storage.empty()) return false;
    ring = Ring(storage);
    return true;
  }
  if (!ring.full()) return true;
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

StreamExtra& StreamTable::add_extra(Stream& stream) {
  CRIER_CHECK(stream.extra == kNone);
  if (free_extras_.empty()) {
    free_extras_.push_back(static_cast<std::uint32_t>(extras_.size()));
    extras_.emplace_back();
  }
  stream.extra = free_extras_.back();
  free_extras_.pop_back();
  extras_[stream.extra] = std::make_unique<StreamExtra>();
  return *extras_[stream.extra];
}

const StreamExtra* StreamTable::extra(const Stream& stream) const {
  return stream.extra == kNone ? nullptr : extras_[stream.extra].get();
}

StreamExtra* StreamTable::extra(const Stream& stream) {
  return stream.extra == kNone ? nullptr : extras_[stream.extra].get();
}

void StreamTable::drop_extra(Stream& stream) {
  if (stream.extra == kNone) return;
  extras_[stream.extra].reset();
  free_extras_.push_back(stream.extra);
  stream.extra = kNone;
}

}  // namespace crier::broadcast
