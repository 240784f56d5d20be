// Adds up what the daemon uses and tells all threads how short memory is (core/memory_pressure.h).
//
// What counts is the larger of two figures, the anonymous memory of the process and crier's own
// account; the memory of sockets is added. The page cache never counts. The account rises with the
// cause, such as a queue that grows; the kernel's figure also has what the allocator keeps.
//
// Publishers fill memory as fast as it can be written. So the less of the limit is left, the sooner
// the next look is due: before they could have used what is left.
//
// Belongs to the control loop.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "cmd/daemon/control/memory_reading.h"
#include "cmd/system/memory_group.h"
#include "core/instant.h"
#include "core/log.h"
#include "core/memory_pressure.h"

namespace crier::cmd {

class MemoryWatch {
 public:
  struct Parts {
    LogSink& log;
    MemoryShortage& shortage;                     // Written here.
    std::function<void(MemoryReading&)> account;  // Sets the parts of crier's own account.
    std::function<MemoryUse()> kernel;
  };
  // `limit` in bytes; 0: none. The parts are read all the same.
  MemoryWatch(Parts parts, std::uint64_t limit) : parts_(std::move(parts)) {
    reading_.limit = limit;
  }

  // Call it on a timer, about every 250 ms, and when it is due after a turn in which memory may
  // have been used. It reads the kernel's figures each time, which takes some 30 microseconds.
  void look(Instant now);
  bool is_due(Instant now) const { return reading_.limit != 0 && now >= due_; }

  const MemoryReading& reading() const { return reading_; }
  // Whether the use is low enough for the stage to fall, if it stays so.
  bool falls() const { return pressure_.falls(); }

 private:
  std::uint32_t ms_until_due() const;
  MemoryStage level() const;
  void tell(MemoryStage before);

  Parts parts_;
  MemoryPressure pressure_;
  MemoryReading reading_;
  Instant due_;
  std::uint64_t anonymous_ = 0;  // At the last reading that could be had.
};

}  // namespace crier::cmd
