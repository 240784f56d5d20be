// One subscriber's open response: a row of the stream table, never a heap object.
//
// The row is the whole price of an idle stream with one topic. A new field finds its bytes here or
// out of line: in what StreamTable keeps for the streams with further topics or a trace id of their
// client's, or in Owing, which only the streams that are behind have.
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

// A stream by name: an index that was reused has another generation.
struct StreamToken {
  std::uint32_t generation = 0;
  StreamIndex index = kNone;
  friend bool operator==(StreamToken, StreamToken) = default;
};

// A stream's connection, by a name that only the StreamIo knows to read.
enum class ConnectionHandle : std::uint32_t { none = kNone };

enum class StreamState : std::uint8_t {
  vacant,     // The slot is free.
  reserved,   // Taken, not yet started: its answer is being made.
  live,       // Caught up: owns no ring, is offered every batch.
  owing,      // Owns a ring that is not empty; live frames go to its end.
  replaying,  // Is fed from the history; ignores live batches. May own a ring's worth to send
              // first.
  ending,     // Is sent what it is owed and crier.end, then closed. Nothing new is offered.
  closing,    // Closed at the end of this turn; skip it.
};
constexpr std::array<std::string_view, 7> names_of(StreamState /*selects*/) {
  return {"vacant", "reserved", "live", "owing", "replaying", "ending", "closing"};
}

// May a stream in state `from` come to be in state `to`?
constexpr bool may_follow(StreamState from, StreamState to) {
  using enum StreamState;
  switch (from) {
    case vacant:
      return to == reserved;
    case reserved:
      return to == live || to == closing || to == vacant;  // Vacant: the request was refused.
    case live:
      return to == owing || to == replaying || to == ending || to == closing;
    case owing:
      return to == live || to == replaying || to == ending || to == closing;
    case replaying:  // Again: what it was sent of an answer did not fit its ring.
      return to == owing || to == replaying || to == ending || to == closing;
    case ending:
      return to == closing;
    case closing:
      return to == vacant;
  }
  return false;
}

struct alignas(64) Stream {
  std::uint64_t sequence_next = 0;  // First event not yet offered to this stream.
  std::uint64_t bytes_sent = 0;

  ConnectionHandle connection = ConnectionHandle::none;
  std::uint32_t generation = 0;      // Tells a stale readiness event from its heir.
  std::uint32_t topic = kNone;       // The row of its first subscription in the topic index.
  std::uint32_t topic_position = 0;  // Its place in that row's list.

  std::uint32_t owing = kNone;  // Ring, offsets, counts: rented while owed something.
  std::uint32_t extra = kNone;  // Further topics, the client's trace id: see StreamTable.
  Tick wrote_at;  // When bytes last went out; or, behind, when progress was last made.
  Tick opened_at;

  std::uint32_t address =
      0;  // Row in the counts per address, or a hash of it if nothing is counted.
  std::uint32_t events_sent = 0;
  TokenBucket bucket;
  StreamState state = StreamState::vacant;
  std::uint8_t flags = 0;
  std::uint8_t topic_class = 0;  // Policy and rate, fixed at the join.
  std::uint8_t discarded_input_kib = 0;

  static constexpr std::uint8_t kPlain = 1;  // Close-delimited, not chunked.
  static constexpr std::uint8_t kBlocked =
      2;  // The socket would block; its writable edge is to come.
  static constexpr std::uint8_t kListed = 4;  // In the list of streams to be continued next turn.
  static constexpr std::uint8_t kRevisited =
      8;  // In the list of the next round of visits: waits for tokens.

  static constexpr std::uint8_t kOutputWatched = 16;  // Its writable edges are asked for.

  static constexpr std::uint8_t kAddressCounted = 32;  // `address` is a row, and counts.

  static constexpr std::uint8_t kStarved = 64;  // The kernel had no memory for its last write.

  static constexpr std::uint8_t kCanary = 128;  // Its socket has options that were on trial.

  // The only way to change the state. Requires: may_follow(state, next).
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
