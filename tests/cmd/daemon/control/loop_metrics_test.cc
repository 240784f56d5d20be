#include "cmd/daemon/control/loop_metrics.h"

#include <deque>
#include <string>

#include "metrics/reading.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

// Workers that do nothing but turn, and a control loop.
struct Turning {
  std::deque<broadcast::WorkerStats> workers;
  std::deque<net::LoopStats> loops;
  net::LoopStats control;

  explicit Turning(std::size_t count) : workers(count), loops(count) {}
  metrics::Catalogue catalogue() const {
    MetricSources sources;
    for (const auto& worker : workers) sources.workers.push_back(&worker);
    for (const auto& loop : loops) sources.worker_loops.push_back(&loop);
    sources.control_loop = &control;
    metrics::Catalogue made;
    add_loop_metrics(made, sources);
    return made;
  }
};

std::optional<double> of_worker(const metrics::Catalogue& catalogue, std::string_view name,
                                const std::string& worker) {
  for (const metrics::Series& series : catalogue.find(name)->series) {
    if (series.labels == metrics::Labels{{"worker", worker}}) return metrics::read(series);
  }
  return std::nullopt;
}

TEST_CASE("each worker has its time, its turns and its deliveries") {
  Turning two(2);
  two.loops[0].turns.observe(400'000);
  two.loops[1].turns.observe(1'000'000);
  two.loops[1].turns.observe(1'000'000);
  two.workers[1].events_delivered.add(12);
  const metrics::Catalogue catalogue = two.catalogue();
  CHECK(of_worker(catalogue, "crier_worker_busy_seconds_total", "0") == 0.4);
  CHECK(of_worker(catalogue, "crier_worker_busy_seconds_total", "1") == 2);
  CHECK(of_worker(catalogue, "crier_worker_turns_total", "1") == 2);
  CHECK(of_worker(catalogue, "crier_worker_deliveries_total", "0") == 0);
  CHECK(of_worker(catalogue, "crier_worker_deliveries_total", "1") == 12);
  CHECK(metrics::quantile(*catalogue.find("crier_worker_turn_seconds"), 1) == 1);
  CHECK_FALSE(metrics::quantile(*catalogue.find("crier_control_turn_seconds"), 1));
}

TEST_CASE("many workers do not make many series") {
  Turning many(1'024);
  many.loops[15].turns.observe(1);
  many.loops[16].turns.observe(1);
  many.loops[1'023].turns.observe(1);
  const metrics::Catalogue catalogue = many.catalogue();
  CHECK(catalogue.find("crier_worker_turns_total")->series.size() == kShownWorkers + 1);
  CHECK(of_worker(catalogue, "crier_worker_turns_total", "15") == 1);
  CHECK(of_worker(catalogue, "crier_worker_turns_total", "others") == 2);
  CHECK_FALSE(of_worker(catalogue, "crier_worker_turns_total", "16"));
  CHECK(catalogue.samples() == Turning(17).catalogue().samples());
}

TEST_CASE("the lag of the control loop's timers is told apart from the workers'") {
  Turning one(1);
  one.control.lateness.observe(2'000'000);
  const metrics::Catalogue catalogue = one.catalogue();
  CHECK(metrics::read_histogram(*catalogue.find("crier_control_timer_lag_seconds")).sum ==
        2'000'000);
  CHECK(metrics::read_histogram(*catalogue.find("crier_worker_timer_lag_seconds")).sum == 0);
}

}  // namespace
}  // namespace crier::cmd
