// How events that were judged good become events of the log: idempotency first, then the journal,
// and what it has committed goes into the log and to the workers.
//
// A key is in flight until the journal has answered for its event. A repeat with the same content
// waits for that answer, even a failure; after a failure the key is free again. A request that
// repeats keys in flight of several others fails if one of those fails; what of it was committed is
// found by its key. The number of keys in flight is bounded; beyond it a request with keys fails as
// `unavailable`.
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
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broadcast/log/event_encoder.h"
#include "broadcast/log/idempotency.h"
#include "broadcast/log/journal.h"
#include "broadcast/log/log.h"
#include "broadcast/log/publish_json.h"
#include "core/frame.h"
#include "core/instant.h"

namespace crier::cmd {

// Where committed events go; in the order of the log, in the turn in which they enter it.
class Outgoing {
 public:
  virtual ~Outgoing() = default;
  virtual void publish(const FrameRef& frame) = 0;
};

struct IntakeOutcome {
  // The lowest and the highest sequence of the request's events, also of those accepted before.
  broadcast::FirstAnswer answer;
  std::uint32_t published = 0;    // 0: all were accepted before.
  std::size_t conflict_line = 0;  // Not 0: nothing was published, for this line's key was used for
                                  // other content.
  std::optional<broadcast::JournalFailure> failure;  // Set: the request has failed.
};

class EventIntake final : private broadcast::JournalClient {
 public:
  // All must outlive it; the journal's client is the intake from now on.
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

  // All or, on a conflict, none. An event whose key and content are known, from another request
  // or from an earlier line, counts as accepted. Nothing: the journal has not answered yet, and
  // then() has to follow at once. Requires, here and below: what broadcast/log/event.h says of
  // each, data of at most 1 MiB, valid keys, and at least one event.
  [[nodiscard]] std::optional<IntakeOutcome> submit(std::uint32_t uid,
                                                    std::span<const broadcast::PublishEvent> events,
                                                    Instant now);

  // The same with one key for the whole, whose content is `body`. The events have no keys.
  [[nodiscard]] std::optional<IntakeOutcome> submit_whole(
      std::uint32_t uid, std::string_view key, std::string_view body,
      std::span<const broadcast::PublishEvent> events, Instant now);

  // Has `done` called with the outcome of the last submission. Conflicts are known at once, so it
  // is never a conflict. `done` must not submit.
  void then(Done done);

 private:
  static constexpr std::size_t kWhole = ~std::size_t{0};

  // A key that is used for the first time.
  struct KeyUse {
    broadcast::Fingerprint key;
    broadcast::Fingerprint content;
    std::size_t at = kWhole;  // The event's place in its group; kWhole: the key of a request.
  };
  // A request that has no outcome yet.
  struct Waiting {
    IntakeOutcome outcome;  // As far as it is known.
    Instant accepted;
    std::vector<KeyUse> uses;  // Keys of its group.
    std::size_t awaited = 0;   // Answers: for its own group, and for each key of another's.
    Done done;
  };
  struct InFlight {
    broadcast::Fingerprint content;
    std::vector<std::shared_ptr<Waiting>> repeats;
  };
  // What is known of an event with a key.
  struct Resolved {
    broadcast::Fingerprint key;
    broadcast::Fingerprint content;
    std::uint64_t sequence = 0;     // Accepted before as this one; 0: not.
    InFlight* in_flight = nullptr;  // Accepted before, and not committed yet.
    std::size_t same_as = 0;        // The first event of the request with this key.
  };
  struct HashOfKey {
    std::size_t operator()(const broadcast::Fingerprint& key) const { return key.low; }
  };

  void on_committed(const broadcast::Event& event, std::uint64_t sequence,
                    Instant accepted) override;
  void on_appended(const broadcast::Appended& appended) override;

  std::size_t resolve(std::uint32_t uid, std::span<const broadcast::PublishEvent> events,
                      Instant now);
  std::span<const broadcast::PublishEvent> take_new(std::span<const broadcast::PublishEvent> events,
                                                    IntakeOutcome& outcome);
  std::optional<IntakeOutcome> send(std::span<const broadcast::PublishEvent> events, Instant now);
  void wait(const IntakeOutcome& outcome, bool group_is_open, Instant now);
  void conclude(IntakeOutcome& outcome, std::span<const KeyUse> uses,
                const broadcast::Appended& appended, Instant accepted);
  static broadcast::FirstAnswer answer_of(const KeyUse& use, const IntakeOutcome& outcome,
                                          const broadcast::Appended& appended);
  static void add(IntakeOutcome& outcome, std::uint64_t first, std::uint64_t last);
  static void answered(Waiting& waiting);

  Parts parts_;
  std::deque<std::shared_ptr<Waiting>> groups_;  // The journal has these, in this order.
  std::unordered_map<broadcast::Fingerprint, InFlight, HashOfKey> in_flight_;
  std::shared_ptr<Waiting> last_;  // Until then().

  // Of the present request; members so that their memory is kept.
  std::vector<Resolved> resolved_;  // One for each event, or empty when none has a key.
  std::vector<broadcast::PublishEvent> new_;
  std::vector<KeyUse> uses_;
};

}  // namespace crier::cmd
