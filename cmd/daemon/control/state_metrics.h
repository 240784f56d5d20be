// The metrics that are no counters: readiness, the bounds in force, the memory, the outcome of the
// last reload, kernel parameters and a canary.
//
// Belongs to the control loop.
#pragma once

#include "cmd/daemon/control/metrics_wiring.h"
#include "metrics/catalogue.h"

namespace crier::cmd {

// Requires: as make_catalogue() of the sources.
void add_state_metrics(metrics::Catalogue& catalogue, const MetricSources& sources);

}  // namespace crier::cmd
