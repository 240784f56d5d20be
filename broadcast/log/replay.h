// What a worker asks the log when a stream resumes or has fallen behind, and what the log answers.
//
// Both travel as values between the two threads: requests through the worker's outbox, answers
// through its inbox, in one queue with the live batches. So everything before an answer is <= its
// `through`, and everything after it is later: no gap, no duplicate, no lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/frame.h"
#include "core/names.h"
#include "core/topic.h"

namespace crier::broadcast {

enum class ReplayFrom : std::uint8_t {
  sequence,   // Everything after `after`.
  earliest,   // Everything retained; nothing is announced as missing.
  last,       // The last `last_count` events of each literal topic; nothing older of patterns.
  restarted,  // Everything retained, announced as `restarted`: the id was of another epoch.
};

// Where ReplayFrom::last began for each of several subscriptions: the first part of its answer may
// end before some of them have begun.
struct LastStarts {
  std::uint64_t head = 0;            // Of the log then; patterns begin after it,
  std::vector<std::uint64_t> after;  // literal topics after these, in the request's order.
};

struct ReplayRequest {
  std::uint32_t stream =
      0;  // Index and generation of the stream that asks, handed back as they are.
  std::uint32_t generation = 0;
  std::vector<Selector> subscriptions;  // Without duplicates.
  ReplayFrom from = ReplayFrom::sequence;
  std::uint64_t after = 0;  // Already has, or does not want, anything up to and including this.
  std::uint32_t last_count = 0;
  // ReplayFrom::sequence, after ReplayFrom::last: what an answer brought. May be null.
  std::shared_ptr<const LastStarts> last;
  // The last answer's value, or 0: which losses this stream was told of, or need not be. Counted in
  // the log's evictions, not in sequences: one topic's newest loss may be younger than what another
  // still holds, so no sequence could say it for a stream with several topics.
  std::uint64_t evictions_told = 0;
  // A connected stream that fell behind: what it lost is `overflow`, not `evicted`.
  bool connected = false;
  std::size_t bytes_max =
      0;  // Stop after the frame that reaches this; at least one frame is given.
  std::uint32_t frames_max = 0;  // And after this many.
};

enum class GapReason : std::uint8_t { evicted, restarted, unknown_id, overflow };
constexpr std::array<std::string_view, 4> names_of(GapReason /*selects*/) {
  return {"evicted", "restarted", "unknown-id", "overflow"};
}

struct Gap {
  GapReason reason = GapReason::evicted;
  std::optional<std::uint64_t> missed;  // Exact, or unknown; never an estimate.
  std::uint64_t resumed_at = 0;  // A true resume position: everything retained after it follows.
};

struct ReplayAnswer {
  std::uint32_t stream = 0;
  std::uint32_t generation = 0;
  // From where this answer continues: what a stream that breaks before the first frame resumes
  // from.
  std::uint64_t position = 0;
  std::optional<Gap> gap;        // To be told before the frames.
  std::vector<FrameRef> frames;  // In sequence order, each once.
  std::uint64_t through = 0;     // Nothing of this stream's is left out up to and including this.
  bool reached_head = false;     // `through` was the log's head when this was answered.
  std::uint64_t evictions_told =
      0;  // For the next request, which goes on by `sequence` after `through`.
  std::shared_ptr<const LastStarts> last;  // For all that ask for something up to its head.
  // What its patterns cost the log beside a replay's usual price, in topics asked for losses.
  std::size_t work = 0;
};

}  // namespace crier::broadcast
