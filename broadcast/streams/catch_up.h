// Feeds a stream from the history after a resume or an overflow: asks the control loop for a part,
// sends the answer, asks for the next part, and returns the stream to the live feed when an answer
// has reached the head.
//
// A stream asks only when it has sent all it was owed, so a stalled stream holds one ring and no
// more. The worker's replay budget bounds how many parts are under way at once. The other streams
// wait; their clients' addresses take turns.
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

// Sends requests to the log. The worker implements it on its outbox.
class ReplayPort {
 public:
  virtual ~ReplayPort() = default;
  // Returns false if there is no room; the caller tries again after the next answer. Each request
  // gets exactly one answer.
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

  // Sends the requests for which the budget has room; one at a time while memory is short.
  void ask();
  // Sends an answer's frames to its stream, and ignores the answer if the stream is gone.
  void take(ReplayAnswer&& answer, Instant now);

 private:
  std::size_t part_bytes() const;
  ReplayRequest request_of(StreamToken token, Stream& stream) const;
  void announce(StreamIndex index, const ReplayAnswer& answer, Instant now);
  void continue_after(StreamIndex index, bool reached_head, Instant now);

  Parts parts_;
  std::string scratch_;
};

}  // namespace crier::broadcast
