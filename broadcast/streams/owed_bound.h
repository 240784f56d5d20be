// Bounds the memory that streams which are behind hold, over all workers.
//
// Rings share their frames, and the history holds most of these anyway. The extra memory is at most
// the memory of all frames less that of the history. While that exceeds the bound, and the rings of
// this worker refer to more than the worker's part of the bound, the streams that are owed most
// must give way: they continue from the log, or as their overflow policy says. When no stream is
// owed a whole event any more, streams that do not take the rest of an event they have begun are
// closed.
//
// A pass stops at half of the part, so that the next pass is not due at once.
//
// Belongs to one worker.
#pragma once

#include <cstdint>
#include <optional>

#include "broadcast/streams/delivery.h"
#include "broadcast/streams/options.h"
#include "broadcast/streams/stream_table.h"

namespace crier::broadcast {

class OwedBound {
 public:
  OwedBound(StreamTable& streams, Delivery& delivery, const WorkerOptions& options)
      : streams_(streams), delivery_(delivery), options_(options) {}

  // Returns true while the bound is exceeded or a pass is under way. The worker then takes no
  // input, so that streams are owed nothing more.
  bool unfinished() const { return pass_ || exceeded(); }
  // Does a bounded share of a pass.
  void run(Instant now);

 private:
  // A pass over the whole table. A stream that is owed more than `bytes_max` must give way.
  struct Pass {
    std::uint32_t bytes_max = 0;
    bool last = false;  // The last pass closes streams that still hold anything.
    StreamIndex next = 0;
  };

  std::uint64_t part() const { return options_.owed_total_bytes_max / options_.workers; }
  bool exceeded() const {
    return delivery_.owed_memory() > part() && unretained() > options_.owed_total_bytes_max;
  }
  std::uint64_t unretained() const;
  bool enough() const;

  StreamTable& streams_;
  Delivery& delivery_;
  const WorkerOptions& options_;
  std::optional<Pass> pass_;
};

}  // namespace crier::broadcast
