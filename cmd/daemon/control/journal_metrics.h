// The metrics of the journal. Without a journal on a disk they are all 0.
//
// Belongs to the control loop.
#pragma once

#include "cmd/journal/journal_stats.h"
#include "metrics/catalogue.h"

namespace crier::cmd {

// The statistics must outlive the catalogue.
void add_journal_metrics(metrics::Catalogue& catalogue, const JournalStats& stats);

}  // namespace crier::cmd
