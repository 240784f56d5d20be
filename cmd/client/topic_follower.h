// Follows topics for `crier subscribe`: makes the requests, prints the events and keeps the
// position to resume from. It has neither sockets nor a clock.
//
// With `verify` a published event without a checksum, and any event with a wrong one, ends the
// following. crier's own events have no checksum.
//
// Belongs to one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/client/http_client.h"
#include "core/text/sse_parser.h"

namespace crier::cmd {

struct SubscribeAs {
  std::vector<std::string> topics;     // Valid topics or patterns.
  std::string base;                    // See ServerUrl.
  std::string last_event_id;           // The position to begin after; may be empty.
  std::string from;                    // Empty, or as valid_from() accepts it.
  bool json = false;                   // Print one JSON object a line instead of the data.
  bool all = false;                    // Print crier's own events, too.
  bool escape = false;                 // Escape control characters, for a terminal.
  bool verify = false;                 // Stop at an event whose checksum is wrong or missing.
  std::optional<std::uint64_t> count;  // End after this many events.
};

class TopicFollower {
 public:
  struct Output {
    std::function<bool(std::string_view)> print;  // Returns false if it failed.
    std::function<void(std::string_view)> warn;
  };
  // `closed`: the server has said that all topics are closed.
  enum class State : std::uint8_t { going, counted, closed, output_failed, unverified };

  TopicFollower(SubscribeAs as, Output output)
      : as_(std::move(as)), output_(std::move(output)), resume_id_(as_.last_event_id) {}

  // The request that opens the stream, the first time and after a break.
  ClientRequest request() const;

  // Prints `message` or warns of it, and remembers its position.
  void on_message(const SseMessage& message);
  State state() const { return state_; }

  // Whether the current stream has brought an event other than `crier.busy`. begin_stream() resets
  // it.
  bool served() const { return served_; }
  void begin_stream() { served_ = false; }

 private:
  bool verified(const SseMessage& message) const;
  void print(const SseMessage& message);
  void tell(const SseMessage& message);

  SubscribeAs as_;
  Output output_;
  std::string resume_id_;
  std::uint64_t counted_ = 0;
  bool served_ = false;
  State state_ = State::going;
};

// The output for one event: one or more whole lines.
std::string event_text(const SubscribeAs& as, const SseMessage& message);

// Whether `from` is `earliest`, `latest` or `last=N`, as the parameters of /events are spelled.
bool valid_from(std::string_view from);

}  // namespace crier::cmd
