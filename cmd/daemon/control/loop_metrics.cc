#include "cmd/daemon/control/loop_metrics.h"

#include "core/check.h"

namespace crier::cmd {
namespace {

using metrics::Catalogue;

void add_turns(Catalogue& catalogue, const MetricSources& sources) {
  auto turns = catalogue.histogram(
      "crier_worker_turn_seconds",
      "How long the turns of the workers are, from the first event until the worker sleeps. A "
      "socket that becomes ready in a turn waits until its end.",
      1e6);
  auto late = catalogue.histogram(
      "crier_worker_timer_lag_seconds",
      "How late the repeating timers of the workers are: the worker was busy, or the system gave "
      "it no processor. Timers count whole milliseconds.",
      1e6);
  for (const net::LoopStats* loop : sources.worker_loops) {
    turns.add(loop->turns);
    late.add(loop->lateness);
  }
  catalogue
      .histogram("crier_control_turn_seconds",
                 "How long the turns of the control loop are, which takes publishes and answers "
                 "the admin endpoint.",
                 1e6)
      .add(sources.control_loop->turns);
  catalogue
      .histogram("crier_control_timer_lag_seconds",
                 "How late the repeating timers of the control loop are; see "
                 "crier_worker_timer_lag_seconds.",
                 1e6)
      .add(sources.control_loop->lateness);
}

void add_workers(Catalogue& catalogue, const MetricSources& sources) {
  CRIER_CHECK(sources.workers.size() == sources.worker_loops.size());
  auto busy = catalogue.counter(
      "crier_worker_busy_seconds_total",
      "Time in the turns of a worker. At a rate of 1 the worker has no time left; worker others: "
      "the sum of all workers from the seventeenth on.");
  auto turns = catalogue.counter("crier_worker_turns_total", "Turns of a worker.");
  auto deliveries = catalogue.counter(
      "crier_worker_deliveries_total",
      "Published events that a worker handed to the kernel. Divided by crier_worker_turns_total: "
      "events per turn.");
  for (std::size_t i = 0; i < sources.workers.size(); ++i) {
    const metrics::Labels labels = {{"worker", worker_name(i)}};
    const net::LoopStats& loop = *sources.worker_loops[i];
    busy.add(labels, [&loop] { return static_cast<double>(loop.turns.sum()) / 1e6; });
    turns.add(labels, [&loop] { return static_cast<double>(loop.turns.count()); });
    deliveries.add(labels, sources.workers[i]->events_delivered);
  }
}

}  // namespace

std::string worker_name(std::size_t worker) {
  return worker < kShownWorkers ? std::to_string(worker) : "others";
}

void add_loop_metrics(Catalogue& catalogue, const MetricSources& sources) {
  add_turns(catalogue, sources);
  add_workers(catalogue, sources);
}

}  // namespace crier::cmd
