// How events that were judged good become events of the log: idempotency first, then the log, then
// the workers.
//
// Belongs to the control loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "broadcast/log/event_encoder.h"
#include "broadcast/log/idempotency.h"
#include "broadcast/log/log.h"
#include "broadcast/log/publish_json.h"
#include "core/frame.h"
#include "core/instant.h"

namespace crier::cmd {

// Where accepted events go; in the order of the log, in the turn they were accepted in.
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
};

class EventIntake {
 public:
  // All must outlive it.
  EventIntake(broadcast::Log& log, broadcast::EventEncoder& encoder,
              broadcast::IdempotencyKeys& keys, Outgoing& outgoing)
      : log_(log), encoder_(encoder), keys_(keys), outgoing_(outgoing) {}

  // All or, on a conflict, none. An event whose key and content are known counts as accepted, be it
  // from another request or from an earlier line. Requires, here and below: what event.h says of
  // each, data of at most 1 MiB, valid keys, and at least one event.
  IntakeOutcome accept(std::uint32_t uid, std::span<const broadcast::PublishEvent> events,
                       Instant now);

  // The same with one key for the whole, whose content is `body`. The events have no keys.
  IntakeOutcome accept_whole(std::uint32_t uid, std::string_view key, std::string_view body,
                             std::span<const broadcast::PublishEvent> events, Instant now);

 private:
  // What is known of an event with a key.
  struct Resolved {
    broadcast::Fingerprint content;
    std::uint64_t sequence = 0;  // Accepted as this one; 0: not yet.
    std::size_t same_as = 0;     // The first event of the request with this key.
  };

  std::size_t resolve(std::uint32_t uid, std::span<const broadcast::PublishEvent> events,
                      Instant now);
  std::uint64_t publish(const broadcast::Event& event, Instant now);

  broadcast::Log& log_;
  broadcast::EventEncoder& encoder_;
  broadcast::IdempotencyKeys& keys_;
  Outgoing& outgoing_;
  std::vector<Resolved> resolved_;  // One for each event, or empty when none has a key.
};

}  // namespace crier::cmd
