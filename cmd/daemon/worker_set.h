// Makes all workers, starts their threads, has them listen, gives them orders and ends them.
//
// Made, used and destroyed on the control loop's thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>
#include <vector>

#include "broadcast/log/log.h"
#include "cmd/daemon/control/memory_reading.h"
#include "cmd/daemon/control/metrics_wiring.h"
#include "cmd/daemon/limit_watch.h"
#include "cmd/daemon/logs.h"
#include "cmd/daemon/preflight.h"
#include "cmd/daemon/worker/worker.h"
#include "cmd/system/activation.h"
#include "core/request_limiter.h"

namespace crier::cmd {

class WorkerSet {
 public:
  // All outlive the set.
  struct Parts {
    const config::Config& config;  // The one in force.
    const Preflight& checked;
    Activation& activation;  // share_out() has been called.
    HashKey topic_key;       // The event log's.
    std::vector<int> journal_descriptors;
    Logs& logs;
    const broadcast::Log& event_log;
    FrameAccount& frames;
    broadcast::SharedCounts& counts;
    const std::atomic<std::uint64_t>& log_head;
    const MemoryShortage& memory;
    std::function<void()> wake_control;  // Any thread.
  };
  // Makes the workers; `sockets` are the options of their listeners.
  WorkerSet(Parts parts, const net::SocketOptions& sockets);
  // Requires: stopped, or never started.
  ~WorkerSet() = default;

  // Returns when every thread serves orders and tasks. Until then no other descriptor may be
  // opened: each worker may leave the common descriptor table, and copies what is in it.
  [[nodiscard]] Result<void> start();
  // Returns when every worker listens. Requires: start() has succeeded.
  [[nodiscard]] Result<void> listen();

  // Control's ends of the queues, in the order of the workers.
  std::vector<WorkerLink*> links() const;
  // Requires: listen() has succeeded.
  WorkerRow row(std::size_t worker) const { return workers_[worker]->row(); }

  // Carried out soon; see Worker.
  void order_reload(const net::SocketPlan& sockets);
  void order_debug(const DebugRules& rules);
  void order_drain(std::uint32_t spread_ms, bool ids_end);
  // Ends the threads and waits for that. May be called again.
  void stop();

  // Adds the counters of every worker. Requires: listen() has succeeded.
  void add_sources(MetricSources& sources) const;
  // How often an accept found no descriptor or memory, a number per worker. Requires: listen() has
  // succeeded.
  std::vector<std::uint64_t> starved_accepts() const;
  // Sets the parts of the memory's account that the workers know. Requires: listen() has succeeded.
  void read_memory(MemoryReading& reading) const;
  // Adds how often the workers' limits were reached. Requires: listen() has succeeded.
  void add_times(LimitTimes& times) const;
  // How often the kernel refused an option of a connection. Requires: listen() has succeeded.
  std::uint64_t options_refused() const;

 private:
  WorkerSetup setup_of(std::uint32_t worker, const net::SocketOptions& sockets) const;
  HandedIn handed_in(std::size_t worker) const;
  Result<void> look_at_places();

  Parts parts_;
  const HashKey trace_key_;
  const std::uint64_t seed_;
  std::latch tables_left_;
  std::atomic<std::uint32_t> accepting_{0};
  RequestLimiter requests_;
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace crier::cmd
