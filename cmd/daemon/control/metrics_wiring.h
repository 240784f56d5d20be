// Connects counters to metrics. The rows in metrics_wiring.cc are the list of crier's metrics.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "broadcast/log/log_stats.h"
#include "broadcast/streams/stats.h"
#include "cmd/daemon/control/journal_metrics.h"
#include "cmd/daemon/control/memory_reading.h"
#include "cmd/daemon/control/publish_routes.h"
#include "cmd/daemon/control/reload_outcome.h"
#include "cmd/daemon/link/refusal_counts.h"
#include "cmd/tuning/kernel_tuner.h"
#include "config/config.h"
#include "core/frame.h"
#include "metrics/catalogue.h"
#include "net/http/http_server.h"
#include "net/loop/loop.h"
#include "net/pending/pending_requests.h"
#include "net/socket/listener.h"

namespace crier::cmd {

// The sources of the metrics. All must outlive the catalogue; no pointer may be null.
struct MetricSources {
  // One of each per worker.
  std::vector<const broadcast::WorkerStats*> workers;
  std::vector<const net::LoopStats*> worker_loops;
  std::vector<const RefusalCounts*> refusals;
  std::vector<const net::PendingCounters*> pending;
  std::vector<const net::ListenerCounters*> listeners;

  const net::LoopStats* control_loop = nullptr;
  const broadcast::LogStats* log = nullptr;
  JournalSources journal;
  const FrameAccount* frames = nullptr;
  const net::HttpServerCounters* publish = nullptr;
  const PublishCounters* publishing = nullptr;
  const net::HttpServerCounters* admin = nullptr;
  std::function<double()> publish_connections = [] { return 0.0; };  // That are open.
  KernelTuner* kernel = nullptr;             // Must have read the parameters once.
  const net::SocketPlan* sockets = nullptr;  // The options in force; a reload assigns to it.
  const config::Config* config = nullptr;    // The settings in force; a reload assigns to it.
  const ReloadOutcome* reload = nullptr;
  const MemoryReading* memory = nullptr;
  std::function<bool()> ready = [] { return false; };       // What /readyz says.
  const std::atomic<std::uint32_t>* streams_max = nullptr;  // The cap in force.
  // Of the oldest event retained; nothing while none is retained.
  std::function<std::optional<double>()> history_age_seconds = [] { return std::nullopt; };
  std::string_view version;  // Copied.
};

// The catalogue of /metrics, with the figures of the process.
metrics::Catalogue make_catalogue(const MetricSources& sources);

}  // namespace crier::cmd
