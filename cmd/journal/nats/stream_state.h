// What JetStream says about a stream, and what crier keeps in it for all its nodes.
//
// The stream's description has the format's version, the epoch, the keys of JournalIdentity and the
// time at which the server created the stream:
//
//   crier 1 h5vq2mzkc7wna <four times 16 hexadecimal digits> 2026-11-28T08:43:12.123456789Z
//
// Only one node can create a stream; the others take the description that they find. A stream that
// was made again from a saved configuration has another time of creation: it is another epoch.
//
// Values; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broadcast/log/journal.h"
#include "core/result.h"

namespace crier::cmd {

// What crier's headers add to an event's name and data.
inline constexpr std::uint64_t kHeaderBytesMax = 1'024;

// How a stream is made. An existing stream stays as its operators have set it.
struct StreamSettings {
  std::string name = "crier";
  std::string prefix = "crier";  // Of subjects: prefix, dot, topic.
  std::uint32_t replicas = 1;
  std::uint64_t age_seconds_max = 0;  // 0: messages do not go by their age.
  std::uint64_t bytes_max = 0;        // 0: they do not go by the stream's size.
  std::uint64_t duplicate_seconds = 120;
};

struct StreamDescription {
  broadcast::JournalIdentity identity;
  std::string created;  // Empty: no node has seen the stream since it was created.
};

std::string text_of(const StreamDescription& description);

// Returns nothing for a text that text_of() does not make.
std::optional<StreamDescription> parse_description(std::string_view text);

// Returns the version of the format of a description; 0: crier did not write it.
std::uint32_t description_version(std::string_view text);

// A stream as JetStream tells it.
struct StreamState {
  std::string created;
  std::string description;
  std::uint64_t messages = 0;
  std::uint64_t first = 0;  // Of an empty stream: last + 1.
  std::uint64_t last = 0;
  std::uint64_t duplicate_seconds = 0;
  std::int64_t message_bytes_max = -1;  // Headers included; -1: no bound.
  std::string config;                   // JSON, for an update.
};

// An answer of JetStream's API: a state, or its error.
struct StreamError {
  std::uint32_t code = 0;  // jsErrCode; 0: the answer could not be understood.
  std::string text;
};

std::expected<StreamState, StreamError> parse_stream_info(std::string_view json);

// JetStream's answer to a message.
struct PublishAnswer {
  std::uint64_t sequence = 0;  // 0: it was not stored.
  bool duplicate = false;      // The stream had a message with this Nats-Msg-Id, at `sequence`.
  std::uint32_t error = 0;     // jsErrCode.
};

// Of what is no JSON, both are 0: nobody takes messages for the stream, for example while it has no
// leader.
PublishAnswer parse_publish_answer(std::string_view json);

// The body of the request for the first message from `sequence` on; its answer's sequence, 0: there
// is none.
std::string next_message_request(std::uint64_t sequence, std::string_view prefix);
std::expected<std::uint64_t, StreamError> parse_message_sequence(std::string_view json);

// The body of the request that creates the stream.
std::string create_request(const StreamSettings& settings, const StreamDescription& description);
// The body of the request that changes nothing but the description.
std::string update_request(const StreamState& state, const StreamDescription& description);

// Returns why crier cannot use an existing stream; empty: it can.
std::string unfit(const StreamState& state, const StreamSettings& settings,
                  std::uint64_t event_bytes_max);

}  // namespace crier::cmd
