// Follows topics for `crier subscribe`: what it asks a daemon for, what it prints of the events
// that come, and from where it resumes. No sockets, no clock.
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
  std::vector<std::string> topics;  // Valid topics or patterns.
  std::string base;                 // See ServerUrl.
  std::string last_event_id;        // Empty: none.
  std::string from;                 // Empty, or see valid_from().
  bool json = false;                // An object a line instead of the data.
  bool all = false;                 // crier's own events, too.
  bool escape = false;              // For a terminal: control characters become visible.
  std::optional<std::uint64_t> count;
};

class TopicFollower {
 public:
  struct Output {
    std::function<bool(std::string_view)> print;  // False: it failed, stop.
    std::function<void(std::string_view)> warn;
  };
  enum class State : std::uint8_t { going, counted, output_failed };

  TopicFollower(SubscribeAs as, Output output)
      : as_(std::move(as)), output_(std::move(output)), resume_id_(as_.last_event_id) {}

  // To open the stream, the first time or again.
  ClientRequest request() const;

  void on_message(const SseMessage& message);
  State state() const { return state_; }

  // Has the current stream brought anything but `crier.busy`? Reset by begin_stream().
  bool served() const { return served_; }
  void begin_stream() { served_ = false; }

 private:
  void print(const SseMessage& message);
  void tell(const SseMessage& message);

  SubscribeAs as_;
  Output output_;
  std::string resume_id_;
  std::uint64_t counted_ = 0;
  bool served_ = false;
  State state_ = State::going;
};

// The line, or lines, that one event is printed as.
std::string event_text(const SubscribeAs& as, const SseMessage& message);

// Is `from` one of `earliest`, `latest` and `last=N`, as the parameters of /events say it?
bool valid_from(std::string_view from);

}  // namespace crier::cmd
