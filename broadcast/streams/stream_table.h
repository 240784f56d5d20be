// The streams of one worker: their slots, and pools for what only some streams have.
//
// reserve() takes a slot and vacate() frees it. Only the end of a turn calls vacate(), so an index
// on the stack or in the kernel's batch of events stays valid until then. find() returns null for a
// token whose stream is gone, even if another stream has the slot.
//
// A stream whose class has a rate in bytes has its second bucket in an array beside the slots: 8
// bytes for each slot that such a stream has had, and no memory while no stream has such a class.
// The limits that a client asked to have lowered are kept in the same way, and cost 12 bytes.
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
#include "core/cost_bucket.h"
#include "core/index_pool.h"
#include "core/reserved_array.h"
#include "core/text/trace_id.h"

namespace crier::broadcast {

// The place of a stream in the list of one of its topics or patterns.
struct Subscription {
  std::uint32_t row = kNone;   // The row in the topic index.
  std::uint32_t position = 0;  // The position in that row's list.
};

// The limits of a stream whose client asked for less than its class gives.
struct OwnLimits {
  TokenRate rate;                     // Unlimited: its class's.
  std::uint32_t owed_events_max = 0;  // 0: the worker's.

  friend bool operator==(const OwnLimits&, const OwnLimits&) = default;
};

class StreamTable {
 public:
  struct Sizes {
    std::size_t streams_max = 0;        // Slots.
    std::uint32_t ring_frames_max = 0;  // A power of two.
    std::size_t ring_bytes_max = 0;     // For all rings together.
    std::uint32_t first_generation = 1;
  };
  explicit StreamTable(const Sizes& sizes);
  ~StreamTable();
  StreamTable(const StreamTable&) = delete;
  StreamTable& operator=(const StreamTable&) = delete;

  // Takes a slot, in state `reserved`. Returns nothing when all are taken.
  std::optional<StreamToken> reserve(Instant now);

  // Frees a slot. Requires: its ring and what is kept out of line were given back, and it is listed
  // nowhere.
  void vacate(StreamIndex index);

  // Returns the stream that a token names, or null if it is gone.
  Stream* find(StreamToken token);

  Stream& operator[](StreamIndex index) { return slots_[index]; }
  const Stream& operator[](StreamIndex index) const { return slots_[index]; }
  StreamToken token(StreamIndex index) const { return {slots_[index].generation, index}; }
  StreamIndex index_of(const Stream& stream) const {
    return static_cast<StreamIndex>(&stream - &slots_[0]);
  }
  bool taken(StreamIndex index) const { return slots_.is_rented(index); }

  std::size_t capacity() const { return slots_.capacity(); }
  std::size_t size() const { return slots_.rented(); }
  std::size_t owing_count() const { return owings_.rented(); }
  // Returns the storage of all rings.
  std::size_t ring_bytes() const { return rings_.rented_bytes(); }
  // Returns one past the highest slot in use, where the sweep may stop.
  std::size_t end() const { return slots_.end(); }

  // Returns the stream's Owing, and rents one if it has none. Returns null when the pool is
  // exhausted.
  Owing* rent_owing(Stream& stream);
  // Returns the stream's Owing. Requires: the stream has one.
  Owing& owing(const Stream& stream);
  const Owing& owing(const Stream& stream) const;
  // Drops every reference, and gives back the ring and the Owing. Does nothing if the stream has
  // none.
  void give_back_owing(Stream& stream);

  // Returns the bucket of the bytes that the stream is sent. Requires: its class has a rate in
  // bytes. It holds what an earlier stream in the slot left until it is assigned to.
  CostBucket& byte_bucket(const Stream& stream) { return byte_buckets_[index_of(stream)]; }

  // Returns the limits that the stream's client asked for.
  OwnLimits own_limits(const Stream& stream) const {
    return own_limits_set_ == 0 ? OwnLimits() : own_limits_[index_of(stream)];
  }
  // Returns how many events the stream's ring may hold where the worker's limit is `usual`.
  std::uint32_t owed_events_max(const Stream& stream, std::uint32_t usual) const {
    const std::uint32_t own = own_limits(stream).owed_events_max;
    return own == 0 ? usual : own;
  }
  // Requires: there is a limit, and the stream has none.
  void set_own_limits(const Stream& stream, const OwnLimits& limits);

  // Makes room for one more frame in the ring, which grows as needed. Returns false if the ring has
  // its largest size, or memory has reached its bound.
  bool make_room(Owing& owing) { return !owing.ring.full() || grow_ring(owing); }
  // Doubles the ring's storage, or rents the first. Returns false as make_room() does.
  bool grow_ring(Owing& owing);

  // Moves a ring with few frames to the smallest storage.
  void shrink_ring(Owing& owing);

  // Stores where the stream is listed, in the order of its request. Requires: nothing is stored.
  void set_subscriptions(Stream& stream, std::span<const Subscription> subscriptions);
  // Forgets where the stream is listed.
  void drop_subscriptions(Stream& stream);
  // Stores that row `to.row` now lists the stream at `to.position`. Requires: that row lists the
  // stream.
  void move(Stream& stream, const Subscription& to);
  // Returns true if the stream has more than one subscription.
  static bool has_several(const Stream& stream) {
    return stream.extra != kNone && (stream.extra & kOnlyTrace) == 0;
  }
  // Calls f(const Subscription&) for each subscription, in order.
  template <typename F>
  void for_each_subscription(const Stream& stream, F&& f) const {
    if (stream.topic == kNone) return;
    f(Subscription{stream.topic, stream.topic_position});
    if (!has_several(stream)) return;
    for (const Subscription& subscription : further_[stream.extra].all()) f(subscription);
  }

  // Stores the trace id that the client sent: visible ASCII, at most 255 bytes. Requires: the
  // stream has none.
  void set_trace_id(Stream& stream, std::string_view id);
  // Returns the trace id that the client sent, or an empty string.
  std::string trace_id(const Stream& stream) const;
  // Forgets the trace id. Requires: no subscriptions are stored.
  void drop_trace_id(Stream& stream);

  // The sequences at which ReplayFrom::last began for a stream with several topics. They are kept
  // while the stream is owed something of that answer; null otherwise.
  std::shared_ptr<const LastStarts> last_starts(StreamIndex index) const;
  void set_last_starts(StreamIndex index, std::shared_ptr<const LastStarts> starts);

 private:
  // The subscriptions after the first one, in 16 bytes. Two topics are common, so a single further
  // subscription is stored here itself.
  struct Further {
    union {
      Subscription one;    // count == 1
      Subscription* many;  // Owned.
    } subscriptions;
    std::uint32_t count;
    std::uint32_t trace;  // An index of traces_, or kNone.

    std::span<Subscription> all() {
      return {count == 1 ? &subscriptions.one : subscriptions.many, count};
    }
    std::span<const Subscription> all() const {
      return {count == 1 ? &subscriptions.one : subscriptions.many, count};
    }
  };
  static_assert(sizeof(Further) == 16);

  // A trace id, parsed into 16 bytes if it has the form of a `traceparent`, and otherwise as text.
  struct TraceText {
    char* bytes;  // Owned.
    std::size_t size;
  };
  union Trace {
    TraceId id;
    TraceText text;
  };
  static_assert(sizeof(Trace) == 16);

  // An index has 24 bits. The other bits say what it is an index of.
  static constexpr std::uint32_t kOnlyTrace = 1u << 31;  // Stream::extra is an index of traces_.
  static constexpr std::uint32_t kTraceText = 1u << 30;  // The trace is stored as text.
  static constexpr std::uint32_t kIndexMask = (1u << 24) - 1;
  static_assert(FreeIndices::kCapacityMax - 1 <= kIndexMask);

  std::uint32_t trace_of(const Stream& stream) const;

  IndexPool<Stream> slots_;
  IndexPool<Owing> owings_;
  RingPool rings_;
  IndexPool<Further> further_;
  IndexPool<Trace> traces_;
  ReservedArray<CostBucket> byte_buckets_;  // By slot.
  ReservedArray<OwnLimits> own_limits_;     // By slot; all zero if its stream has none.
  std::size_t own_limits_set_ = 0;
  std::unordered_map<StreamIndex, std::shared_ptr<const LastStarts>> last_starts_;
  // The generation of the next slot taken. It is unique until 2^32 slots were taken.
  std::uint32_t next_generation_;
};

}  // namespace crier::broadcast
