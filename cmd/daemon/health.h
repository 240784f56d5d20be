// Whether the daemon can take another stream: for /readyz, and a line in the log where the machine
// lacks something.
//
// Belongs to the control loop.
#pragma once

#include <cstdint>
#include <string_view>

#include "broadcast/streams/broadcaster.h"
#include "cmd/daemon/control/admin_routes.h"
#include "cmd/daemon/shutdown.h"
#include "cmd/log/starvation_watch.h"
#include "core/instant.h"
#include "core/log.h"

namespace crier::cmd {

class Health final : public Readiness {
 public:
  // All outlive it.
  Health(LogSink& log, const broadcast::SharedCounts& counts, const Shutdown& shutdown)
      : log_(log), counts_(counts), shutdown_(shutdown), starvation_(log) {}

  // Call it on a timer, about every 250 ms. `options_refused`: how often the kernel refused an
  // option of a connection, since the start.
  void look(const StarvedAccepts& starved, std::uint64_t options_refused, Instant now);

  std::string_view why_not_ready() const override;

 private:
  bool is_full() const { return counts_.streams.load() >= counts_.streams_max.load(); }

  LogSink& log_;
  const broadcast::SharedCounts& counts_;
  const Shutdown& shutdown_;
  StarvationWatch starvation_;
  std::uint64_t options_refused_ = 0;
  Instant full_until_;  // /readyz should not change with each stream.
};

}  // namespace crier::cmd
