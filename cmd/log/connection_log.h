// A line at debug for each stream that opens or ends, as long as there are few; else a summary a
// second.
//
// The control loop calls it with the workers' reports. Give it a sink that is not behind
// RepeatLimit: its messages repeat, and it limits them itself. Belongs to the control loop.
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

// The views are used during the call only.
struct StreamOpened {
  std::string_view session_id;  // The same as in /debug/streams.
  std::string_view trace_id;
  std::string_view address;  // "203.0.113.7:50312"
  std::string_view topics;   // Joined by commas.
  bool resumed = false;
};

struct StreamEnded {
  std::string_view session_id;
  std::string_view trace_id;
  std::string_view address;  // Empty if the kernel no longer knows it.
  std::string_view topics;
  std::string_view reason;  // One of a small, fixed set; the same word as in the metrics.
  std::uint64_t bytes = 0;  // Bytes sent to the stream.
  std::uint64_t events = 0;
  std::uint64_t duration_us = 0;
};

class ConnectionLog {
 public:
  // `lines_per_second`: log.connections_per_second; with 0 it writes only summaries. `out` must
  // outlive it.
  ConnectionLog(LogSink& out, std::uint32_t lines_per_second)
      : out_(out), lines_per_second_(lines_per_second) {}

  void set_lines_per_second(std::uint32_t lines) { lines_per_second_ = lines; }

  void opened(const StreamOpened& stream, Instant now);
  void ended(const StreamEnded& stream, Instant now);

  // Adds streams that a worker counted without sending their details to the next summary.
  void add_unlogged_opened(std::uint64_t streams, std::uint64_t resumed);
  void add_unlogged_ended(std::string_view reason, std::uint64_t streams);

  // Writes the summary when a second is over. Call it on a timer, about every 250 ms.
  void tick(Instant now);
  // Writes the summary now, before the process ends.
  void flush();

 private:
  bool may_write(Instant now);

  LogSink& out_;
  std::uint32_t lines_per_second_;
  Period second_;
  LinesPerSecond lines_;
  // Streams of the present second, counted for the summary.
  std::uint64_t opened_ = 0;
  std::uint64_t resumed_ = 0;
  std::uint64_t ended_ = 0;
  std::vector<std::pair<std::string, std::uint64_t>> ended_by_reason_;
};

}  // namespace crier::cmd
