// Replay from the log, after a resume or an overflow: asks control for a part, sends the answer,
// asks for the next, and returns the stream to the live feed once an answer has reached the head.
//
// A stream asks only when it has sent all it was owed, so a stalled one holds a ring and nothing
// more. How many parts may be under way at once is the worker's replay budget; the others wait for
// the turn of their client's address.
//
// Belongs to one worker.
#pragma once

#include <string>

#include "broadcast/log/replay.h"
#include "broadcast/streams/delivery.h"
#include "broadcast/streams/options.h"
#include "broadcast/streams/replay_queue.h"
#include "broadcast/streams/stats.h"
#include "broadcast/streams/stream_table.h"
#include "broadcast/streams/topic_index.h"

namespace crier::broadcast {

// The way to the log. Implemented by the worker on its outbox.
class ReplayPort {
 public:
  virtual ~ReplayPort() = default;
  // False: no room; to be tried again after the next answer. Each request gets exactly one answer.
  [[nodiscard]] virtual bool ask(ReplayRequest&& request) = 0;
};

class CatchUp {
 public:
  struct Parts {
    StreamTable& streams;
    TopicIndex& topics;
    Delivery& delivery;
    ReplayQueue& queue;
    ReplayPort& port;
    WorkerStats& stats;
    const WorkerOptions& options;
  };
  explicit CatchUp(const Parts& parts) : parts_(parts) {}

  // Sends the requests that the budget has room for.
  void ask();
  void take(ReplayAnswer&& answer, Instant now);

 private:
  std::size_t part_bytes() const;
  ReplayRequest request_of(StreamToken token, Stream& stream) const;
  void announce(StreamIndex index, const ReplayAnswer& answer, Instant now);
  void go_on(StreamIndex index, bool reached_head);

  Parts parts_;
  std::string scratch_;
};

}  // namespace crier::broadcast
