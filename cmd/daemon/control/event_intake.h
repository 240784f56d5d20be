// Takes valid events into the log. It checks idempotency keys first, and hands new events to the
// journal; committed events go into the log and to the workers.
//
// A key is in flight until the journal has answered for its event. A repeat with the same content
// waits for that answer, even for a failure; after a failure the key is free again. A request that
// repeats keys in flight of several other requests fails if one of those fails; its committed
// events are found by their keys. The number of keys in flight is bounded; beyond it a request with
// keys fails as `unavailable`.
//
// A topic that is closed takes no new event. While its closing event is in the journal, a request
// with a new event for it fails as `unavailable`. Events that were accepted before are still found
// by their keys.
//
// Belongs to the control loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "broadcast/log/event_encoder.h"
#include "broadcast/log/idempotency.h"
#include "broadcast/log/journal.h"
#include "broadcast/log/log.h"
#include "broadcast/log/publish_json.h"
#include "core/frame.h"
#include "core/instant.h"

namespace crier::cmd {

// Receives committed events in the order of the log, in the turn in which they enter it.
class Outgoing {
 public:
  virtual ~Outgoing() = default;
  virtual void publish(const FrameRef& frame) = 0;
};

struct IntakeOutcome {
  // The lowest and the highest sequence of the request's events, those accepted before included.
  broadcast::FirstAnswer answer;
  std::uint32_t published = 0;  // New events; 0: all were accepted before.
  // Not 0: this line's key was used for other content. Without `failure` nothing was published.
  std::size_t conflict_line = 0;
  // Not 0: nothing was published, for the topic of this line's event is closed.
  std::size_t closed_line = 0;
  std::optional<broadcast::JournalFailure> failure;  // Set: the request has failed.
  std::uint32_t taken = 0;  // Of a request that has failed: at least its first events so many are
                            // committed nevertheless.
};

class EventIntake final : private broadcast::JournalClient {
 public:
  // All must outlive it. The intake becomes the journal's client.
  struct Parts {
    broadcast::Journal& journal;
    broadcast::Log& log;
    broadcast::EventEncoder& encoder;
    broadcast::IdempotencyKeys& keys;
    Outgoing& outgoing;
  };
  using Done = std::move_only_function<void(const IntakeOutcome&)>;

  explicit EventIntake(const Parts& parts) : parts_(parts) { parts_.journal.connect(*this); }
  EventIntake(const EventIntake&) = delete;
  EventIntake& operator=(const EventIntake&) = delete;

  // Publishes all events or, on a conflict, none. An event whose key and content are known, from
  // another request or from an earlier line, counts as accepted. Returns nothing if the journal has
  // not answered yet; the caller must then call then() at once. Requires, here and below: events as
  // broadcast/log/event.h requires them, data of at most 1 MiB, valid keys, at least one event.
  [[nodiscard]] std::optional<IntakeOutcome> submit(std::uint32_t uid,
                                                    std::span<const broadcast::PublishEvent> events,
                                                    Instant now);

  // The same with one key for the whole request, whose content is `body`. The events have no keys.
  [[nodiscard]] std::optional<IntakeOutcome> submit_whole(
      std::uint32_t uid, std::string_view key, std::string_view body,
      std::span<const broadcast::PublishEvent> events, Instant now);

  // Sets the call that gets the outcome of the last submission. The outcome is never a closed
  // topic, because submit() returns that at once; a conflict is one that the journal has found.
  // `done` must not submit.
  void then(Done done);

 private:
  // A request that has no outcome yet.
  struct Waiting {
    IntakeOutcome outcome;  // Filled in as answers arrive.
    Instant accepted;
    std::vector<broadcast::KeyUse> uses;  // The keys of its group.
    std::vector<std::size_t> lines;       // Those of its events with keys of their own; else 0.
    std::string closes = {};              // The topic that its group closes; empty: none.
    std::size_t awaited = 0;  // Missing answers: for its own group, and for each key of another's.
    Done done;
  };
  struct InFlight {
    broadcast::Fingerprint content;
    std::vector<std::shared_ptr<Waiting>> repeats;
  };
  // The state of an event's key.
  struct Resolved {
    broadcast::Fingerprint key;
    broadcast::Fingerprint content;
    std::uint64_t sequence = 0;     // The event accepted under the key before; 0: the key is new.
    InFlight* in_flight = nullptr;  // Set if another request with the key is not committed yet.
    std::size_t same_as = 0;        // The first event of the request with this key.
  };
  struct HashOfKey {
    std::size_t operator()(const broadcast::Fingerprint& key) const { return key.low; }
  };

  void on_committed(const broadcast::Event& event, std::uint64_t sequence,
                    Instant accepted) override;
  void on_appended(const broadcast::Appended& appended) override;
  void on_recovered_key(const broadcast::Fingerprint& key, const broadcast::Fingerprint& content,
                        const broadcast::FirstAnswer& answer, Instant accepted) override;
  void on_dropped(std::uint64_t through) override { parts_.log.drop_through(through); }

  std::size_t resolve(std::uint32_t uid, std::span<const broadcast::PublishEvent> events,
                      Instant now);
  std::span<const broadcast::PublishEvent> take_new(std::span<const broadcast::PublishEvent> events,
                                                    IntakeOutcome& outcome);
  std::size_t line_of_closed(std::span<const broadcast::PublishEvent> events) const;
  bool any_is_closing(std::span<const broadcast::PublishEvent> events) const;
  std::optional<IntakeOutcome> send(std::span<const broadcast::PublishEvent> events, Instant now);
  void wait(const IntakeOutcome& outcome, std::span<const broadcast::PublishEvent> open_group,
            Instant now);
  void conclude(IntakeOutcome& outcome, std::span<const broadcast::KeyUse> uses,
                const broadcast::Appended& appended, Instant accepted);
  static void fail(IntakeOutcome& outcome, const broadcast::AppendFailure& failure,
                   std::span<const std::size_t> lines);
  static void add(IntakeOutcome& outcome, std::uint64_t first, std::uint64_t last);
  static void answered(Waiting& waiting);

  Parts parts_;
  std::deque<std::shared_ptr<Waiting>> groups_;  // Groups in the journal, in its order.
  std::unordered_map<broadcast::Fingerprint, InFlight, HashOfKey> in_flight_;
  // Topics whose closing events are in the journal.
  std::unordered_set<std::string> closing_in_journal_;
  std::shared_ptr<Waiting> last_;  // Between a submission without an outcome and then().

  // Buffers of the present request, kept for their memory.
  std::vector<Resolved> resolved_;  // One for each event; empty if no event has a key.
  std::vector<broadcast::PublishEvent> new_;
  std::vector<broadcast::KeyUse> uses_;
};

}  // namespace crier::cmd
