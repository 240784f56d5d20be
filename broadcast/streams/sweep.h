// The slow hand: visits every slot about once a second, an even share each tick, so that there is
// no timer per stream and no burst of heartbeats.
//
// Sends a heartbeat after limits without other bytes, ends streams that are stalled or have reached
// their age, and, while draining, ends everything at its own time in the window.
//
// Belongs to one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "broadcast/streams/deferred_close.h"
#include "broadcast/streams/delivery.h"
#include "broadcast/streams/options.h"
#include "broadcast/streams/stats.h"
#include "broadcast/streams/stream_table.h"

namespace crier::broadcast {

class Sweep {
 public:
  struct Parts {
    StreamTable& streams;
    Delivery& delivery;
    DeferredClose& closes;
    WorkerStats& stats;
    const WorkerOptions& options;
  };
  explicit Sweep(const Parts& parts) : parts_(parts) {}

  // To be called every kSweepTickMs.
  void tick(Instant now);

  // From now on the streams are ended one after the other, the last a little before the window
  // ends.
  void begin_drain(std::uint32_t window_ms, Instant now);

 private:
  struct Drain {
    Instant from;
    std::uint64_t us = 0;
    std::size_t streams = 0;  // Slots to go through,
    std::size_t next = 0;     // and how far that has come.
  };

  // Both return whether they wrote something.
  bool visit(StreamIndex index, Instant now);
  bool heartbeat(StreamIndex index, Instant now);
  void drain(Instant now);

  Parts parts_;
  std::size_t next_ = 0;
  std::optional<Drain> drain_;
};

}  // namespace crier::broadcast
