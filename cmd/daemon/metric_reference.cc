#include "cmd/daemon/metric_reference.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "cmd/daemon/control/loop_metrics.h"
#include "cmd/daemon/control/metrics_wiring.h"
#include "core/log.h"

namespace crier::cmd {

// The numbers of an idle daemon. It has one worker more than have series of their own, so that
// every value of the label `worker` occurs.
struct MetricReference::Idle {
  class NoLog final : public LogSink {
    void write(Level, std::string_view, std::span<const Field>) override {}
  };

  std::array<broadcast::WorkerStats, kShownWorkers + 1> workers;
  net::LoopStats loop;
  RefusalCounts refusals;
  net::PendingCounters pending;
  net::ListenerCounters listener;
  broadcast::LogStats log;
  NatsJournalStats journal;
  FrameAccount frames;
  net::HttpServerCounters server;
  PublishCounters publishing;
  NoLog lines;
  KernelTuner kernel{{}, {}, lines};
  net::SocketPlan sockets;
  config::Config config;
  ReloadOutcome reload;
  MemoryReading memory;
  std::atomic<std::uint32_t> streams_max{0};
  std::optional<metrics::Catalogue> catalogue;

  MetricSources sources(Journals journals) const;
};

MetricSources MetricReference::Idle::sources(Journals journals) const {
  MetricSources sources;
  for (const broadcast::WorkerStats& worker : workers) {
    sources.workers.push_back(&worker);
    sources.worker_loops.push_back(&loop);
  }
  sources.refusals = {&refusals};
  sources.pending = {&pending};
  sources.listeners = {&listener};
  sources.control_loop = &loop;
  sources.log = &log;
  sources.journal.stats = &journal.common;
  sources.journal.file = journals != Journals::nodes;
  if (journals != Journals::file) sources.journal.nodes = &journal;
  sources.frames = &frames;
  sources.publish = &server;
  sources.publishing = &publishing;
  sources.admin = &server;
  sources.sockets = &sockets;
  sources.config = &config;
  sources.reload = &reload;
  sources.memory = &memory;
  sources.streams_max = &streams_max;
  return sources;
}

MetricReference::MetricReference(std::string_view version, Journals journals)
    : idle_(std::make_unique<Idle>()) {
  MetricSources sources = idle_->sources(journals);
  sources.kernel = &idle_->kernel;
  sources.version = version;
  idle_->catalogue.emplace(make_catalogue(sources));
}

MetricReference::~MetricReference() = default;

const metrics::Catalogue& MetricReference::catalogue() const {
  return *idle_->catalogue;
}

}  // namespace crier::cmd
