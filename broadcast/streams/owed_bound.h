// Keeps what streams that are behind hold in memory within one bound, all workers together.
//
// Rings share their frames, and most of those the history holds anyway. What they cost beyond it is
// at most what all frames take, less what the history does. While that is more than the bound, and
// the rings of this worker refer to more than its part of it, the streams that are owed most give
// way: they go on from the log, or as their overflow policy says. Only when nobody is owed a whole
// event any more are those closed that have begun one and do not take the rest of it.
//
// Half of the part is left, so that as much has to be owed anew before there is work again.
//
// Belongs to one worker.
#pragma once

#include <cstddef>
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

  // Until this is false again, nothing more should be owed.
  bool unfinished() const { return pass_ || exceeded(); }
  // Looks at a bounded number of streams.
  void run(Instant now);

 private:
  // Over the whole table: who is owed more than `bytes_max` gives way.
  struct Pass {
    std::uint32_t bytes_max = 0;
    bool last = false;  // Who still holds anything is closed.
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
