// What a subscriber's resume value asks for, judged against the log: the table in DESIGN terms is
// "same epoch → replay", "another epoch → restarted", "malformed or beyond head → unknown-id, live
// only".
#pragma once

#include <cstdint>
#include <string_view>

#include "broadcast/log/replay.h"
#include "core/text/event_id.h"

namespace crier::broadcast {

struct ResumePlan {
  enum class Kind : std::uint8_t {
    live,        // From `head` on; nothing is owed.
    unknown_id,  // The same, and the stream is told.
    replay,      // See `from` and `after`.
  };
  Kind kind = Kind::live;
  ReplayFrom from = ReplayFrom::sequence;
  std::uint64_t after = 0;
  std::uint32_t last_count = 0;
  std::string_view id;  // As the client sent it, if well-formed: still a true resume position.

  // Did the client name a position at all?
  bool asked() const { return kind != Kind::live || !id.empty(); }
};

// The plan for an id the client holds. `id` must outlive the plan.
ResumePlan plan_resume(std::string_view id, const Epoch& epoch, std::uint64_t head);

}  // namespace crier::broadcast
