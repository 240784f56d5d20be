// The journal gives accepted events their sequences and keeps them. An event becomes visible, and
// its publisher is answered, only when it is committed.
//
//   append(group) ──► … ──► on_committed(event, sequence) for each event ──► on_appended(sequences)
//
// A journal numbers events in the order in which their groups were appended. Numbers grow from
// event to event. They may have holes, and events of other writers may lie between those of a
// group.
//
// append() may answer at once. Otherwise the journal is asynchronous: it copies what it still needs
// and answers in a later turn of the loop. The journal bounds, in bytes, what waits for its answer;
// beyond the bound a group fails at once with `unavailable`.
//
// Belongs to the control loop: all calls of the journal and of its client are made there.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>

#include "broadcast/log/event.h"
#include "broadcast/log/idempotency.h"
#include "broadcast/log/log_survey.h"
#include "broadcast/log/publish_json.h"
#include "broadcast/log/remembered.h"
#include "core/instant.h"
#include "core/keyed_hash.h"
#include "core/result.h"
#include "core/text/event_id.h"

namespace crier::broadcast {

// Why an event of a group was not committed, as far as the journal knows.
enum class JournalFailure : std::uint8_t {
  no_space,
  io_error,
  unavailable,  // The journal cannot be reached, or is too far behind to take more.
  key_reused,   // Another node has used the event's key for other content.
  answer_lost,  // The key was used before, and its event is gone.
};

// Why a group failed. A journal that other nodes write to may take a group in part.
struct AppendFailure {
  JournalFailure why;       // Of the first event that was not committed.
  std::uint32_t taken = 0;  // The events before it: they are committed.

  AppendFailure(JournalFailure failure, std::uint32_t events = 0) : why(failure), taken(events) {}
  operator JournalFailure() const { return why; }
};

// The sequences of a group's events, in the order of the group, or why the group failed. The view
// is valid during the call. An event whose key another node has used for the same content has the
// sequence of that node's event.
using Appended = std::expected<std::span<const std::uint64_t>, AppendFailure>;

// What the log and its publishers need again after a restart. The same as long as the journal keeps
// its events.
struct JournalIdentity {
  Epoch epoch;
  HashKey topic_key;        // Of Frame::topic_hash(), and so of Remembered.
  HashKey idempotency_key;  // Of IdempotencyKeys.
};

// A new idempotency key, for one event or several of a group.
struct KeyUse {
  Fingerprint key;
  Fingerprint content;
  std::uint32_t first = 0;  // The events [first, first + count) of the group. At least one.
  std::uint32_t count = 0;

  // Returns the answer that the key stands for, from the sequences of the group's events.
  FirstAnswer answer(std::span<const std::uint64_t> sequences) const {
    return {sequences[first], sequences[first + count - 1], count};
  }
};

// What one publisher sent at once: committed as a whole, or not at all, unless AppendFailure says
// otherwise.
struct Group {
  std::span<const PublishEvent> events;  // At least one.
  std::span<const KeyUse> keys;
  Instant accepted;
};

// Receives the results of a journal. No function may call append().
class JournalClient {
 public:
  virtual ~JournalClient() = default;

  // Called for each event, in the order of sequences. `event` is valid during the call.
  virtual void on_committed(const Event& event, std::uint64_t sequence, Instant accepted) = 0;

  // Answers the oldest group that has no answer yet, after on_committed() was called for its
  // events.
  virtual void on_appended(const Appended& appended) = 0;

  // Called for each key of groups that were answered with a failure and are in the journal after
  // all. on_committed() was called for their events before. Requires: no group is open.
  virtual void on_recovered_key(const Fingerprint& key, const Fingerprint& content,
                                const FirstAnswer& answer, Instant accepted) = 0;

  // The journal keeps nothing up to `through` any more, to stay within its bound. So the log must
  // evict these events soon: after a restart they are missing, and told as a loss.
  virtual void on_dropped(std::uint64_t through) = 0;
};

// Receives what a journal keeps, in the order of sequences. `accepted` never goes back.
class JournalReader {
 public:
  virtual ~JournalReader() = default;

  // First, once: what the log knew of events that the journal need not keep.
  virtual void on_remembered(const Remembered& remembered) = 0;
  // The event may be one that the log had evicted before.
  virtual void on_event(const Event& event, std::uint64_t sequence, Instant accepted) = 0;
  virtual void on_key(const Fingerprint& key, const Fingerprint& content, const FirstAnswer& answer,
                      Instant accepted) = 0;
  // Events up to `through` that on_event() was not called for may be missing, of any topic.
  virtual void on_hole(std::uint64_t through) = 0;
  // Last, once: the last sequence that was ever given to an event; 0: none was.
  virtual void on_head(std::uint64_t sequence) = 0;
};

class Journal {
 public:
  virtual ~Journal() = default;

  // Valid from the beginning.
  virtual const JournalIdentity& identity() const = 0;

  // Hands everything that the journal keeps to the reader. Must be called before connect(), once.
  // An error's text says what to do; the reader may have got a part before.
  [[nodiscard]] virtual Result<void> load(JournalReader& reader) = 0;

  // Sets the client. Required before append(). The client must outlive the call of finish().
  virtual void connect(JournalClient& client) = 0;

  // Appends a group. Returns the answer, or nothing if on_appended() will bring it in a later turn.
  // A returned answer is a failure, or it is a success and every earlier group has its answer.
  [[nodiscard]] virtual std::optional<Appended> append(const Group& group) = 0;

  // Must be called at the end of each turn of the loop: what was appended may be written.
  virtual void flush() = 0;

  // Returns true if so much may be dead that a survey is worth its cost.
  virtual bool wants_survey() const = 0;
  // Tells the journal what it need not keep. Any number of calls, each with a later survey.
  virtual void compact(Survey survey) = 0;

  // Why groups fail at present; nothing: they are committed.
  virtual std::optional<JournalFailure> failing() const = 0;

  // Commits or fails every open group, and tells the client, before it returns. Must be the last
  // call.
  virtual void finish() = 0;
};

}  // namespace crier::broadcast
