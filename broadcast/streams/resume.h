// Decides what a subscriber's resume id asks for. An id of the same epoch asks for a replay after
// it. An id of another epoch asks for everything retained, announced as `restarted`. For an id that
// is malformed or beyond the head, the stream is live only and is told `unknown-id`. If other nodes
// publish, an id beyond the head may be of an event that this node does not have yet: it asks for a
// replay after it, and the answer decides.
//
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "broadcast/log/replay.h"
#include "core/text/event_id.h"

namespace crier::broadcast {

struct ResumePlan {
  enum class Kind : std::uint8_t {
    live,        // Sends events after the head; nothing is owed.
    unknown_id,  // Like live, and the stream is told.
    replay,      // Asks for a replay, as `from` and `after` say.
  };
  Kind kind = Kind::live;
  ReplayFrom from = ReplayFrom::sequence;
  std::uint64_t after = 0;
  std::uint32_t last_count = 0;
  // The id as the client sent it, if it is well-formed: it is still a true resume position.
  std::string_view id;

  // Returns true if the client named a position.
  bool asked() const { return kind != Kind::live || !id.empty(); }
};

// Returns the plan for an id that the client sent; empty: none. `id` must outlive the plan.
ResumePlan plan_resume(std::string_view id, const Epoch& epoch, std::uint64_t head,
                       bool other_nodes = false);

}  // namespace crier::broadcast
