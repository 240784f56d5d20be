// Keeps the daemon within limits.memory_max: adds up what it uses, and tells everybody the stage
// that this is (core/memory_pressure.h).
//
// The use is the larger of crier's own account and the anonymous memory that the kernel counts for
// the control group (or the process), plus the memory of sockets. The page cache never counts. The
// account rises with the cause, such as a queue that grows; the kernel's figure also has what the
// allocator keeps.
//
// Belongs to the control loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <utility>

#include "cmd/daemon/control/memory_reading.h"
#include "cmd/system/memory_group.h"
#include "core/instant.h"
#include "core/lines_per_second.h"
#include "core/log.h"
#include "core/memory_pressure.h"

namespace crier::cmd {

class MemoryWatch {
 public:
  struct Parts {
    LogSink& log;
    std::atomic<MemoryStage>& stage;              // Written here; workers read it.
    std::function<void(MemoryReading&)> account;  // Sets the parts of crier's own account.
    std::function<MemoryUse()> kernel;
  };
  // `limit` in bytes; 0: none. The parts are read all the same.
  MemoryWatch(Parts parts, std::uint64_t limit) : parts_(std::move(parts)) {
    reading_.limit = limit;
  }

  // Call it on a timer, about every 250 ms. It reads the kernel's figures once a second, and each
  // time while the stage is not ok.
  void look(Instant now);

  const MemoryReading& reading() const { return reading_; }

 private:
  void tell(MemoryStage before);

  Parts parts_;
  MemoryPressure pressure_;
  MemoryReading reading_;
  Period kernel_seconds_{1};
};

}  // namespace crier::cmd
