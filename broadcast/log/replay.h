// The replay protocol: what a worker asks the log when a stream resumes or has fallen behind, and
// what the log answers.
//
// Requests and answers travel as values between the two threads. A request goes through the
// worker's outbox; its answer comes through the worker's inbox, in one queue with the live batches.
// An answer leaves out no retained event of the stream up to its `through`, or only superseded ones
// if `newest_only` asks for that. A live batch after it may still contain some of these events;
// `sequence_next` keeps them from being sent twice. So the stream sees no gap and no duplicate,
// without a lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/frame.h"
#include "core/instant.h"
#include "core/names.h"
#include "core/topic.h"

namespace crier::broadcast {

enum class ReplayFrom : std::uint8_t {
  sequence,   // Everything after `after`.
  earliest,   // Everything retained; nothing is announced as missing.
  last,       // The last `last_count` events of each literal topic; no older events of patterns.
  restarted,  // Everything retained, announced as `restarted`: the id was of another epoch.
};

// Events that wait for a stream.
struct Behind {
  std::uint64_t events = 0;
  std::optional<Instant> oldest;  // When the oldest was accepted; nothing without events.
};

// The sequences at which ReplayFrom::last began, for several subscriptions. Later requests need
// them, because the first part of the answer may end before some subscriptions have begun.
struct LastStarts {
  std::uint64_t head = 0;  // The log's head then; patterns begin after it.
  // For each literal topic, in the order of the request: its events begin after this sequence.
  std::vector<std::uint64_t> after;
};

struct ReplayRequest {
  // Index and generation of the stream that asks; the answer repeats them.
  std::uint32_t stream = 0;
  std::uint32_t generation = 0;
  std::vector<Selector> subscriptions;  // Without duplicates.
  ReplayFrom from = ReplayFrom::sequence;
  // The stream already has, or does not want, the events up to and including this one.
  std::uint64_t after = 0;
  std::uint32_t last_count = 0;
  // ReplayAnswer::last of an earlier answer, if this request continues ReplayFrom::last. May be
  // null.
  std::shared_ptr<const LastStarts> last;
  // The losses that this stream was told of, or need not be: the last answer's value, or 0. It is
  // counted in the log's evictions, not in sequences. One topic's newest loss may be younger than
  // events that another topic still retains, so no sequence could express it for a stream with
  // several topics.
  std::uint64_t evictions_told = 0;
  // The stream was connected when it fell behind, so the reason for a loss is `overflow`, not
  // `evicted`.
  bool connected = false;
  // Of each topic only the newest event is wanted. Older ones are superseded: they are left out and
  // are no loss.
  bool newest_only = false;
  // The answer stops after the frame that reaches this. It has at least one frame if there is one.
  std::size_t bytes_max = 0;
  std::uint32_t frames_max = 0;  // The answer stops after this many frames.
};

enum class GapReason : std::uint8_t { evicted, restarted, unknown_id, overflow };
constexpr std::array<std::string_view, 4> names_of(GapReason /*selects*/) {
  return {"evicted", "restarted", "unknown-id", "overflow"};
}

struct Gap {
  GapReason reason = GapReason::evicted;
  std::optional<std::uint64_t> missed;  // Exact, or unset if unknown; never an estimate.
  // A true resume position: everything retained after it follows.
  std::uint64_t resumed_at = 0;
};

struct ReplayAnswer {
  std::uint32_t stream = 0;
  std::uint32_t generation = 0;
  // The position at which this answer begins. A stream that breaks before the first frame resumes
  // from it.
  std::uint64_t position = 0;
  std::optional<Gap> gap;        // The stream must be told of it before the frames.
  std::vector<FrameRef> frames;  // In sequence order, each once.
  // The answer leaves out no event that the stream wants up to and including this one.
  std::uint64_t through = 0;
  bool reached_head = false;  // `through` was the log's head when the log answered.
  // To be repeated in the next request, which asks by ReplayFrom::sequence after `through`.
  std::uint64_t evictions_told = 0;
  // To be repeated in every later request for events up to its head.
  std::shared_ptr<const LastStarts> last;
  // What the answer cost, in topics that a pattern asks for losses.
  std::size_t work = 0;
};

}  // namespace crier::broadcast
