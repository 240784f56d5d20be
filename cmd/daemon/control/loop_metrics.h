// The metrics of the loops: how long turns are, how late timers are, and what each worker does.
//
// The first kShownWorkers workers have series of their own. Those after them share the series
// `others`, so that the number of series does not depend on the machine.
//
// Belongs to the control loop.
#pragma once

#include <cstddef>
#include <string>

#include "cmd/daemon/control/metrics_wiring.h"
#include "metrics/catalogue.h"

namespace crier::cmd {

inline constexpr std::size_t kShownWorkers = 16;

// The value of the label `worker`.
std::string worker_name(std::size_t worker);

// Requires: as make_catalogue() of the sources.
void add_loop_metrics(metrics::Catalogue& catalogue, const MetricSources& sources);

}  // namespace crier::cmd
