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
#include <string>
#include <vector>

#include "broadcast/log/replay.h"
#include "broadcast/streams/owing.h"
#include "broadcast/streams/ring_pool.h"
#include "broadcast/streams/stream.h"
#include "core/index_pool.h"

namespace crier::broadcast {

// Where a stream with several subscriptions, or with a pattern, is listed.
struct Subscription {
  std::uint32_t row = kNone;   // In the topic index.
  std::uint32_t position = 0;  // In that row's list.
};

// The cold facts a few streams need.
struct StreamExtra {
  std::vector<Subscription> subscriptions;  // Empty: the stream has its one topic in the slot.
  std::string trace_id;                     // The client's own; empty: derived from the token.
  std::shared_ptr<const LastStarts> last;   // While it is owed something of ReplayFrom::last.
};

class StreamTable {
 public:
  struct Sizes {
    std::size_t streams_max = 0;        // Slots.
    std::uint32_t ring_frames_max = 0;  // A power of two.
    std::size_t ring_bytes_max = 0;     // All rings together.
  };
  explicit StreamTable(const Sizes& sizes);
  ~StreamTable();
  StreamTable(const StreamTable&) = delete;
  StreamTable& operator=(const StreamTable&) = delete;

  // A slot in state `reserved`, or nothing when all are taken.
  std::optional<StreamToken> reserve(Instant now);

  // Requires: its ring and extra were given back, and it is listed nowhere.
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

  StreamExtra& add_extra(Stream& stream);
  const StreamExtra* extra(const Stream& stream) const;
  StreamExtra* extra(const Stream& stream);
  void drop_extra(Stream& stream);

 private:
  IndexPool<Stream> slots_;
  IndexPool<Owing> owings_;
  RingPool rings_;
  std::vector<std::unique_ptr<StreamExtra>> extras_;
  std::vector<std::uint32_t> free_extras_;
  std::uint32_t generation_ =
      0;  // Of the last slot taken: unique however slots and memory are reused.
};

}  // namespace crier::broadcast
