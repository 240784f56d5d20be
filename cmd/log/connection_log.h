// A line at debug for each stream that opens or ends, as long as there are few; else a summary a
// second.
//
// What the workers report reaches it on the control loop. Give it a sink of its own, not one behind
// RepeatLimit: its messages repeat by nature, and it limits them itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/instant.h"
#include "core/lines_per_second.h"
#include "core/log.h"

namespace crier::cmd {

// Views need to live only during the call.
struct StreamOpened {
  std::string_view session_id;  // As /debug/streams has it.
  std::string_view trace_id;
  std::string_view address;  // "203.0.113.7:50312"
  std::string_view topics;   // Joined by commas.
  bool resumed = false;
};

struct StreamEnded {
  std::string_view session_id;
  std::string_view trace_id;
  std::string_view address;  // Empty: the kernel does not know any more.
  std::string_view topics;
  std::string_view reason;  // One of a small, fixed set; as in the metrics.
  std::uint64_t bytes = 0;  // Sent to it.
  std::uint64_t events = 0;
  std::uint64_t duration_us = 0;
};

class ConnectionLog {
 public:
  // `lines_per_second`: log.connections_per_second; 0: only summaries. `out` must outlive it.
  ConnectionLog(LogSink& out, std::uint32_t lines_per_second)
      : out_(out), lines_per_second_(lines_per_second) {}

  void set_lines_per_second(std::uint32_t lines) { lines_per_second_ = lines; }

  void opened(const StreamOpened& stream, Instant now);
  void ended(const StreamEnded& stream, Instant now);

  // What a worker counted instead of sending it here: for the next summary.
  void add_unlogged_opened(std::uint64_t streams, std::uint64_t resumed);
  void add_unlogged_ended(std::string_view reason, std::uint64_t streams);

  // Ends the second that is over, if it is. Call it on a timer, about every 250 ms.
  void tick(Instant now);
  // Says now what was held back: before the process ends.
  void flush();

 private:
  bool may_write(Instant now);

  LogSink& out_;
  std::uint32_t lines_per_second_;
  Period second_;
  LinesPerSecond lines_;
  std::uint64_t opened_ = 0;  // This and what follows: held back in this second.
  std::uint64_t resumed_ = 0;
  std::uint64_t ended_ = 0;
  std::vector<std::pair<std::string, std::uint64_t>> ended_by_reason_;
};

}  // namespace crier::cmd
