// Visits every slot about once a second, an even share in each tick. So a stream needs no timer of
// its own, and heartbeats do not come in bursts.
//
// The sweep sends a heartbeat to a stream that was quiet for heartbeat_seconds, ends streams that
// are stalled or have reached their age, 80 to 100 % of stream_seconds_max, and, while draining,
// ends each stream at a time of its own. While the use of memory is at the level end_streams, it
// ends the streams that are owed more than half of owed_bytes_max, a second later those that are
// owed more than a quarter, and so on down to a sixteenth.
//
// In each tick it also samples a bounded number of streams: how far they are behind, and what the
// kernel knows of the way to their clients. Each stream of the share is as likely to be sampled as
// any other. At the end of a round it has counted the streams by their state.
//
// Belongs to one worker.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "broadcast/streams/deferred_close.h"
#include "broadcast/streams/delivery.h"
#include "broadcast/streams/lag_survey.h"
#include "broadcast/streams/options.h"
#include "broadcast/streams/stats.h"
#include "broadcast/streams/stream_io.h"
#include "broadcast/streams/stream_table.h"
#include "core/random.h"

namespace crier::broadcast {

class Sweep {
 public:
  struct Parts {
    StreamTable& streams;
    Delivery& delivery;
    DeferredClose& closes;
    const StreamIo& io;
    WorkerStats& stats;
    const WorkerOptions& options;
  };
  explicit Sweep(const Parts& parts) : parts_(parts), random_(parts.options.random_seed) {}

  // Visits one share. Call it every kSweepTickMs.
  void tick(Instant now);

  // Returns the streams that the sweep found the furthest behind since the last call; see
  // LagSurvey. The first call begins a survey and returns nothing.
  std::vector<LagSurvey::Found> take_lagging(Instant now);

  // Ends the streams one after the other from now on, evenly spread over this time.
  void begin_drain(std::uint32_t spread_ms, Instant now);

 private:
  struct Drain {
    Instant from;
    std::uint64_t us = 0;
    std::size_t streams = 0;  // How many slots there were at the beginning.
    std::size_t next = 0;     // The next slot.
  };

  // Both return true if they wrote something.
  bool visit(StreamIndex index, Instant now);
  bool heartbeat(StreamIndex index, Instant now);
  void sample(const Stream& stream, Instant now);
  void set_owed_max(Instant now);
  void finish_round();
  void drain(Instant now);

  Parts parts_;
  Random random_;
  std::size_t next_ = 0;
  // The slots of this round by state.
  std::array<std::uint32_t, kNamesOf<StreamState>.size()> counted_{};
  // A stream that is owed more ends; nothing: none ends for that.
  std::optional<std::uint32_t> owed_max_;
  Instant halved_at_;  // When owed_max_ was last halved.
  std::optional<Drain> drain_;
  std::optional<LagSurvey> survey_;
};

}  // namespace crier::broadcast
