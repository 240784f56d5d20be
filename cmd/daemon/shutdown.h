// The way from serving to stopped:
//
//   serving ──begin()──► announced ──delay──► draining ──its end, or no stream left──► stopped
//      └───────────────────────┴───── stop_now() ─┴───────────────────────────────────────▲
//
// While announced, /readyz is 503 so that a load balancer takes the daemon out, and subscribers are
// served as before; publishers are turned away from begin() on. While draining, the workers end
// their streams, 1,000 a second, or more where there are too many for the window: few streams end
// within moments, and many do not return all at once. The drain ends one second after the last
// stream was told to end, or, in a window below 5 s, after a fifth of it. A stream that has not
// taken what it is owed by then is cut. Before each step the service manager is told how long it
// may take.
//
// Belongs to the control loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "cmd/system/supervisor.h"
#include "config/config.h"
#include "core/instant.h"
#include "core/log.h"
#include "net/loop/loop.h"
#include "net/loop/timer.h"

namespace crier::cmd {

class Shutdown {
 public:
  // All outlive it.
  struct Parts {
    net::Loop& loop;
    const config::Config& config;  // The one in force.
    const std::atomic<std::uint32_t>& streams;
    Supervisor& supervisor;
    LogSink& log;
    std::function<void(std::uint32_t spread_ms)> drain_workers;
    std::function<void()> stop;  // Ends everything. Called once, in the last step.
  };
  explicit Shutdown(Parts parts);

  bool serving() const { return phase_ == Phase::serving; }
  bool stopped() const { return phase_ == Phase::stopped; }

  // Requires: serving().
  void begin();
  // Skips the steps that are left. May be called again.
  void stop_now();

 private:
  enum class Phase : std::uint8_t { serving, announced, draining, stopped };

  // Called when the delay is over, and then every few milliseconds.
  void drain();

  Parts parts_;
  net::Timer timer_;
  Phase phase_ = Phase::serving;
  Instant drain_ends_;
};

}  // namespace crier::cmd
