// One subscriber's open response. A stream is a row of the stream table, never a heap object.
//
// The row is the whole memory of an idle stream with one topic. A new field must fit into the row
// or go elsewhere: into what StreamTable keeps for streams with several topics or a client's trace
// id, or into Owing, which only streams that are behind have.
//
// Belongs to one worker.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/check.h"
#include "core/frame.h"
#include "core/instant.h"
#include "core/names.h"
#include "core/token_bucket.h"

namespace crier::broadcast {

using StreamIndex = std::uint32_t;
inline constexpr std::uint32_t kNone = 0xffff'ffffU;

// Names a stream. A slot that is reused gets another generation, so an old token finds nothing.
struct StreamToken {
  std::uint32_t generation = 0;
  StreamIndex index = kNone;
  friend bool operator==(StreamToken, StreamToken) = default;
};

// Names a connection; only the StreamIo knows what it stands for.
enum class ConnectionHandle : std::uint32_t { none = kNone };

enum class StreamState : std::uint8_t {
  vacant,    // The slot is free.
  reserved,  // The slot is taken while the answer to the request is made.
  live,      // Caught up: has no ring and is offered every batch.
  owing,     // Has a ring that is not empty; live frames go to the end of it.
  // Is fed from the history and ignores live batches. May have a ring that it sends first.
  replaying,
  ending,   // Is sent what it is owed and crier.end, then closed. Is offered nothing new.
  closing,  // Is closed at the end of this turn. Other code skips it.
};
constexpr std::array<std::string_view, 7> names_of(StreamState /*selects*/) {
  return {"vacant", "reserved", "live", "owing", "replaying", "ending", "closing"};
}

// The states of streams whose answer has begun.
inline constexpr std::array kOpenStates = {StreamState::live, StreamState::owing,
                                           StreamState::replaying, StreamState::ending};

// Returns true if a stream may change from state `from` to state `to`.
constexpr bool may_follow(StreamState from, StreamState to) {
  using enum StreamState;
  switch (from) {
    case vacant:
      return to == reserved;
    case reserved:
      return to == live || to == closing || to == vacant;  // To vacant: the request was refused.
    case live:
      return to == owing || to == replaying || to == ending || to == closing;
    case owing:
      return to == live || to == replaying || to == ending || to == closing;
    case replaying:  // To replaying: an answer did not fit into its ring.
      return to == owing || to == replaying || to == ending || to == closing;
    case ending:
      return to == closing;
    case closing:
      return to == vacant;
  }
  return false;
}

struct alignas(64) Stream {
  std::uint64_t sequence_next = 0;  // The first event not yet offered to this stream.
  std::uint64_t bytes_sent = 0;

  ConnectionHandle connection = ConnectionHandle::none;
  std::uint32_t generation = 0;      // See StreamToken.
  std::uint32_t topic = kNone;       // The row of its first subscription in the topic index.
  std::uint32_t topic_position = 0;  // Its position in that row's list.

  std::uint32_t owing = kNone;  // Its Owing (ring, offsets, counts), rented while it is behind.
  std::uint32_t extra = kNone;  // Further topics, the client's trace id; see StreamTable.
  // When bytes last went out; for a stream that is behind, when it last made progress.
  Tick wrote_at;
  Tick opened_at;

  // The row in AddressTable if kAddressCounted; otherwise a hash of the address, or 0.
  std::uint32_t address = 0;
  std::uint32_t events_sent = 0;
  TokenBucket bucket;  // Of events; see StreamTable::byte_bucket() for bytes.
  StreamState state = StreamState::vacant;
  std::uint8_t flags = 0;
  std::uint8_t topic_class = 0;  // Its overflow policy and rate, fixed when it joins.
  std::uint8_t discarded_input_kib = 0;

  // Flags.
  static constexpr std::uint8_t kPlain = 1;            // Close-delimited, not chunked.
  static constexpr std::uint8_t kBlocked = 2;          // The socket would block; an edge will come.
  static constexpr std::uint8_t kListed = 4;           // Will be drained in a later slice.
  static constexpr std::uint8_t kRevisited = 8;        // Will be visited in the next round.
  static constexpr std::uint8_t kOutputWatched = 16;   // StreamIo reports writable edges.
  static constexpr std::uint8_t kAddressCounted = 32;  // `address` is a counted row.
  static constexpr std::uint8_t kStarved = 64;  // The kernel had no memory for the last write.
  static constexpr std::uint8_t kCanary = 128;  // The socket has options on trial.

  // Changes the state. All code uses this function. Requires: may_follow(state, next).
  void become(StreamState next) {
    CRIER_CHECK(may_follow(state, next));
    state = next;
  }
  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
  void set(std::uint8_t flag) { flags = static_cast<std::uint8_t>(flags | flag); }
  void clear(std::uint8_t flag) { flags = static_cast<std::uint8_t>(flags & ~flag); }
  Framing framing() const { return has(kPlain) ? Framing::plain : Framing::chunked; }
};

static_assert(sizeof(Stream) == 64, "the promise on the first line of the README");

}  // namespace crier::broadcast
