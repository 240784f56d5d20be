// The streams of one worker: their slots, and the pools for what only some of them have.
//
// A slot is taken by reserve() and handed back by vacate(), which only the end of a turn calls:
// until then an index held on the stack or in the kernel's batch of events stays valid. find()
// tells a token of an earlier tenant from the present one.
//
// Belongs to one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "broadcast/log/replay.h"
#include "broadcast/streams/owing.h"
#include "broadcast/streams/ring_pool.h"
#include "broadcast/streams/stream.h"
#include "core/index_pool.h"
#include "core/text/trace_id.h"

namespace crier::broadcast {

// Where a stream is listed for one of its topics or patterns.
struct Subscription {
  std::uint32_t row = kNone;   // In the topic index.
  std::uint32_t position = 0;  // In that row's list.
};

class StreamTable {
 public:
  struct Sizes {
    std::size_t streams_max = 0;        // Slots.
    std::uint32_t ring_frames_max = 0;  // A power of two.
    std::size_t ring_bytes_max = 0;     // All rings together.
    std::uint32_t first_generation = 1;
  };
  explicit StreamTable(const Sizes& sizes);
  ~StreamTable();
  StreamTable(const StreamTable&) = delete;
  StreamTable& operator=(const StreamTable&) = delete;

  // A slot in state `reserved`, or nothing when all are taken.
  std::optional<StreamToken> reserve(Instant now);

  // Requires: its ring and what is kept out of line were given back, and it is listed nowhere.
  void vacate(StreamIndex index);

  // The stream a token names, or null when it is gone.
  Stream* find(StreamToken token);

  Stream& operator[](StreamIndex index) { return slots_[index]; }
  const Stream& operator[](StreamIndex index) const { return slots_[index]; }
  StreamToken token(StreamIndex index) const { return {slots_[index].generation, index}; }
  StreamIndex index_of(const Stream& stream) const {
    return static_cast<StreamIndex>(&stream - &slots_[0]);
  }
  bool taken(StreamIndex index) const { return slots_.is_rented(index); }

  std::size_t size() const { return slots_.rented(); }
  std::size_t owing_count() const { return owings_.rented(); }
  // Storage of all rings.
  std::size_t ring_bytes() const { return rings_.rented_bytes(); }
  // One past the highest slot in use: where the sweep may stop.
  std::size_t end() const { return slots_.end(); }

  // The stream's Owing, rented if it has none. Null when the pool is exhausted.
  Owing* rent_owing(Stream& stream);
  // Requires: the stream has one.
  Owing& owing(const Stream& stream);
  const Owing& owing(const Stream& stream) const;
  // Drops every reference and gives ring and Owing back. Harmless without one.
  void give_back_owing(Stream& stream);

  // Room for one more frame in the ring, which grows as needed. False: at its cap, or memory's
  // bound.
  bool make_room(Owing& owing);

  // Moves a ring that holds next to nothing to the smallest storage.
  void shrink_ring(Owing& owing);

  // Remembers where the stream is listed, in the order of its request. Requires: none is set.
  void set_subscriptions(Stream& stream, std::span<const Subscription> subscriptions);
  void drop_subscriptions(Stream& stream);
  // The row `to.row` lists the stream at to.position now. Requires: it lists the stream.
  void move(Stream& stream, const Subscription& to);
  static bool has_several(const Stream& stream) {
    return stream.extra != kNone && (stream.extra & kOnlyTrace) == 0;
  }
  // Calls f(const Subscription&) for each, in order.
  template <typename F>
  void for_each_subscription(const Stream& stream, F&& f) const {
    if (stream.topic == kNone) return;
    f(Subscription{stream.topic, stream.topic_position});
    if (!has_several(stream)) return;
    for (const Subscription& subscription : further_[stream.extra].all()) f(subscription);
  }

  // The client's own trace id: visible ASCII, at most 255 bytes. Requires: the stream has none.
  void set_trace_id(Stream& stream, std::string_view id);
  // Empty: the client sent none.
  std::string trace_id(const Stream& stream) const;
  // Requires: no subscriptions.
  void drop_trace_id(Stream& stream);

  // Where ReplayFrom::last began for a stream with several topics, while it is owed something of
  // that answer. May be null.
  std::shared_ptr<const LastStarts> last_starts(StreamIndex index) const;
  void set_last_starts(StreamIndex index, std::shared_ptr<const LastStarts> starts);

 private:
  // The subscriptions after the first, 16 bytes: two topics are the common case, so one more stands
  // here itself.
  struct Further {
    union {
      Subscription one;    // count == 1
      Subscription* many;  // Owned.
    } subscriptions;
    std::uint32_t count;
    std::uint32_t trace;  // In traces_, or kNone.

    std::span<Subscription> all() {
      return {count == 1 ? &subscriptions.one : subscriptions.many, count};
    }
    std::span<const Subscription> all() const {
      return {count == 1 ? &subscriptions.one : subscriptions.many, count};
    }
  };
  static_assert(sizeof(Further) == 16);

  // A trace id as a `traceparent` holds it, 16 bytes; or a text of another form.
  struct TraceText {
    char* bytes;  // Owned.
    std::size_t size;
  };
  union Trace {
    TraceId id;
    TraceText text;
  };
  static_assert(sizeof(Trace) == 16);

  // An index has 24 bits; the others say what it is an index of.
  static constexpr std::uint32_t kOnlyTrace = 1u << 31;  // Stream::extra is of traces_.
  static constexpr std::uint32_t kTraceText = 1u << 30;  // The trace is a text.
  static constexpr std::uint32_t kIndexMask = (1u << 24) - 1;
  static_assert(FreeIndices::kCapacityMax - 1 <= kIndexMask);

  std::uint32_t trace_of(const Stream& stream) const;

  IndexPool<Stream> slots_;
  IndexPool<Owing> owings_;
  RingPool rings_;
  IndexPool<Further> further_;
  IndexPool<Trace> traces_;
  std::unordered_map<StreamIndex, std::shared_ptr<const LastStarts>> last_starts_;
  // Of the next slot taken: unique however slots and memory are reused, until 2^32 were taken.
  std::uint32_t next_generation_;
};

}  // namespace crier::broadcast
