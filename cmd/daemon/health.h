// Whether the daemon can take another stream: for /readyz, and for a warning if the kernel lacks
// descriptors or memory. Nothing else in the log shows such a lack: open streams go on, and a
// connection that was refused has no stream.
//
// Belongs to the control loop.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broadcast/streams/broadcaster.h"
#include "cmd/daemon/admin/ready_checks.h"
#include "core/instant.h"
#include "core/lines_per_second.h"
#include "core/log.h"

namespace crier::cmd {

// How often an accept found no descriptor or memory, or no room to watch the connection, since the
// start.
struct StarvedAccepts {
  std::span<const std::uint64_t> workers;  // One number per worker; always as many.
  // The workers accept from one socket: as long as one of them can, it takes what others leave.
  bool shared = false;
  std::uint64_t others = 0;  // On the publish socket and the admin endpoint.
};

class Health {
 public:
  static constexpr std::uint64_t kSecondsBetween = 10;
  static constexpr std::uint64_t kFullSeconds = 2;

  // Both outlive it. `streams_bound`: Fit::bound.
  Health(LogSink& log, const broadcast::SharedCounts& counts, std::string_view streams_bound)
      : log_(log),
        counts_(counts),
        full_("full: as many streams as " + std::string(streams_bound) + " allows") {}

  // Call it on a timer, about every 250 ms. A shortage is one line, and another each
  // kSecondsBetween seconds as long as it goes on. `options_refused`: how often the kernel refused
  // an option of a connection, since the start.
  void look(const StarvedAccepts& starved, std::uint64_t options_refused, Instant now);

  // Empty: ready. Full lasts for kFullSeconds after the last look that found it, so that the answer
  // does not change with each stream; a shortage lasts for kSecondsBetween.
  std::string_view why_not_ready(Instant now, ReadyChecks except = {}) const;

  // Returns true if as many streams are open as possible.
  bool is_full() const { return counts_.streams.load() >= counts_.streams_max.load(); }

 private:
  std::uint64_t newly_starved(const StarvedAccepts& starved);

  LogSink& log_;
  const broadcast::SharedCounts& counts_;
  const std::string full_;
  std::vector<std::uint64_t> workers_;  // At the last look.
  std::uint64_t others_ = 0;            // At the last look.
  std::uint64_t options_refused_ = 0;   // At the last look.
  std::uint64_t unlogged_ = 0;          // Starved accepts since the last line.
  Period between_lines_{kSecondsBetween};
  Instant starved_until_;
  Instant full_until_;
};

}  // namespace crier::cmd
