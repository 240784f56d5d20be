// Connects counters to metrics. The rows in metrics_wiring.cc are the list of crier's metrics.
#pragma once

#include <string_view>
#include <vector>

#include "broadcast/log/log_stats.h"
#include "broadcast/streams/stats.h"
#include "cmd/daemon/control/publish_routes.h"
#include "cmd/daemon/link/refusal_counts.h"
#include "cmd/tuning/kernel_tuner.h"
#include "core/frame.h"
#include "metrics/catalogue.h"
#include "net/http/http_server.h"
#include "net/pending/pending_requests.h"
#include "net/socket/listener.h"

namespace crier::cmd {

// The sources of the metrics. All must outlive the catalogue; no pointer may be null.
struct MetricSources {
  // One of each per worker.
  std::vector<const broadcast::WorkerStats*> workers;
  std::vector<const RefusalCounts*> refusals;
  std::vector<const net::PendingCounters*> pending;
  std::vector<const net::ListenerCounters*> listeners;

  const broadcast::LogStats* log = nullptr;
  const FrameAccount* frames = nullptr;
  const net::HttpServerCounters* publish = nullptr;
  const PublishCounters* publishing = nullptr;
  const net::HttpServerCounters* admin = nullptr;
  KernelTuner* kernel = nullptr;             // Must have read the parameters once.
  const net::SocketPlan* sockets = nullptr;  // The options in force; a reload assigns to it.
  std::string_view version;                  // Copied.
};

// The catalogue of /metrics, with the figures of the process.
metrics::Catalogue make_catalogue(const MetricSources& sources);

}  // namespace crier::cmd
