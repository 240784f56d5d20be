// The journal gives accepted events their sequences and keeps them. An event becomes visible, and
// its publisher is answered, only when it is committed.
//
//   append(group) ──► … ──► on_committed(event, sequence) for each event ──► on_appended(sequences)
//
// A journal numbers events in the order in which their groups were appended. Numbers grow from
// event to event. They may have holes, and events of other writers may lie between those of a
// group.
//
// append() may answer at once. Otherwise the journal is asynchronous: it copies the events it still
// needs and answers in a later turn of the loop. The journal bounds, in bytes, what waits for its
// answer; beyond the bound a group fails at once with `unavailable`.
//
// Belongs to the control loop: all calls of the journal and of its client are made there.
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
  unavailable,  // The journal cannot be reached, or is too far behind to take more.
};

// The sequences of a group's events, in the order of the group, or why the group failed. The view
// is valid during the call.
using Appended = std::expected<std::span<const std::uint64_t>, JournalFailure>;

// Receives the results of a journal. Neither function may call append().
class JournalClient {
 public:
  virtual ~JournalClient() = default;

  // Called for each event, in the order of sequences. `event` is valid during the call.
  virtual void on_committed(const Event& event, std::uint64_t sequence, Instant accepted) = 0;

  // Answers the oldest group that has no answer yet, after on_committed() was called for its
  // events.
  virtual void on_appended(const Appended& appended) = 0;
};

class Journal {
 public:
  using Take = std::function<void(const Event& event, std::uint64_t sequence, Instant accepted)>;

  virtual ~Journal() = default;

  // Calls `take` for every event that the journal keeps, in the order of sequences. Must be the
  // first call, and is made once. An error's text says what to do.
  [[nodiscard]] virtual Result<void> load(const Take& take) = 0;

  // Sets the client. Required before append(). The client must outlive the call of finish().
  virtual void connect(JournalClient& client) = 0;

  // Appends a group of at least one event. Returns the answer, or nothing if on_appended() will
  // bring it in a later turn. A returned answer is a failure, or it is a success and every earlier
  // group has its answer.
  [[nodiscard]] virtual std::optional<Appended> append(std::span<const PublishEvent> group,
                                                       Instant accepted) = 0;

  // Tells the journal that the history has evicted everything up to `through`, so that the journal
  // need not keep it either.
  virtual void trim(std::uint64_t through) = 0;

  // Commits or fails every open group, and tells the client, before it returns. Must be the last
  // call.
  virtual void finish() = 0;
};

}  // namespace crier::broadcast
