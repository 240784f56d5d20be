// The journal: gives accepted events their sequences and keeps them. An event is visible, and its
// publisher is answered, once it is committed, not before.
//
//   append(group) ──► … ──► on_committed(event, sequence) for each event ──► on_appended(sequences)
//
// A journal numbers events in the order in which groups were appended. Numbers grow from event to
// event; they may have holes, and events of others may stand between those of a group.
//
// append() may answer at once. Else the journal is asynchronous: it copies the events that it needs
// later, and it speaks up in a later turn of the loop. What waits for its answer is bounded, by the
// journal in bytes: beyond its bound a group fails at once as `unavailable`.
//
// Belongs to the control loop: every call, and every call of its client, is made there.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>

#include "broadcast/log/event.h"
#include "broadcast/log/publish_json.h"
#include "core/instant.h"
#include "core/result.h"

namespace crier::broadcast {

// Why no event of a group was committed.
enum class JournalFailure : std::uint8_t {
  no_space,
  io_error,
  unavailable,  // Out of reach, or too far behind to take more.
};

// The sequences of a group's events, in the order of the group: a view of the call.
using Appended = std::expected<std::span<const std::uint64_t>, JournalFailure>;

// Learns what the journal has done. Neither call may append.
class JournalClient {
 public:
  virtual ~JournalClient() = default;

  // In the order of sequences. `event` is a view of the call.
  virtual void on_committed(const Event& event, std::uint64_t sequence, Instant accepted) = 0;

  // The answer to the oldest group that has none, after all of its events were handed over.
  virtual void on_appended(const Appended& appended) = 0;
};

class Journal {
 public:
  using Take = std::function<void(const Event& event, std::uint64_t sequence, Instant accepted)>;

  virtual ~Journal() = default;

  // Gives everything it has kept to `take`, in the order of sequences. Called once, first of all.
  // Errors say what to do.
  [[nodiscard]] virtual Result<void> load(const Take& take) = 0;

  // Required before append(). The client outlives the journal's last call, see finish().
  virtual void connect(JournalClient& client) = 0;

  // Nothing: on_appended() follows in a later turn. Else this is the answer, and on_appended() does
  // not come for this group: a failure, or success where every earlier group has its answer.
  // Requires: at least one event.
  [[nodiscard]] virtual std::optional<Appended> append(std::span<const PublishEvent> group,
                                                       Instant accepted) = 0;

  // The history has let go of everything up to `through`, so the journal need not keep it.
  virtual void trim(std::uint64_t through) = 0;

  // Commits or fails every open group before it returns, and tells the client. The last call:
  // nothing is appended afterwards.
  virtual void finish() = 0;
};

}  // namespace crier::broadcast
