// An event as a message of a stream.
//
//   subject        prefix.topic
//   payload        the event's data
//   Crier-Event    its name in double quotes; absent: none
//   Crier-From     <node>.<group>.<index>: which event of which group of which node this is
//   Nats-Msg-Id    <key>.<place>: the place of the event among those of its idempotency key
//   Crier-Content  <fingerprint of the content> <events of the key>
//
// A message without crier's headers is an event, too: other programs may publish with NATS alone.
//
// Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broadcast/log/event.h"
#include "broadcast/log/journal.h"
#include "cmd/journal/nats/nats_handles.h"

namespace crier::cmd {

// Names an event that a node has sent.
struct NatsOrigin {
  std::uint64_t node = 0;  // 0: not known.
  std::uint64_t group = 0;
  std::uint32_t index = 0;
  friend bool operator==(const NatsOrigin&, const NatsOrigin&) = default;
};

// The part that an event has in an idempotency key.
struct NatsKeyPart {
  broadcast::Fingerprint key;
  broadcast::Fingerprint content;
  std::uint32_t place = 0;
  std::uint32_t count = 0;  // Events of the key; 0: the event has no key.
};

struct NatsEvent {
  broadcast::Event event;  // Views into the message.
  NatsOrigin origin;
  NatsKeyPart key;
};

// Makes a message that is answered at `reply`. Returns null if there is no memory.
NatsMessageHandle make_message(std::string_view prefix, const NatsEvent& event, const char* reply);

// Reads a message of the stream. Returns nothing if it is no valid event. Headers that crier would
// not write count as absent.
std::optional<NatsEvent> read_message(std::string_view prefix, natsMsg* message);

std::string text_of(const NatsOrigin& origin);
std::optional<NatsOrigin> parse_origin(std::string_view text);

}  // namespace crier::cmd
