// The metrics of the journal. Each form of it has families of its own; those of `memory` are the
// file's, at 0.
//
// Belongs to the control loop.
#pragma once

#include <functional>

#include "cmd/journal/journal_stats.h"
#include "metrics/catalogue.h"

namespace crier::cmd {

struct JournalSources {
  const JournalStats* stats = nullptr;                     // Never null.
  bool file = true;                                        // It has a file.
  const NatsJournalStats* nodes = nullptr;                 // Null: it has no other nodes.
  std::function<bool()> reachable = [] { return false; };  // Whether NATS is.
};

// The statistics must outlive the catalogue.
void add_journal_metrics(metrics::Catalogue& catalogue, const JournalSources& sources);

}  // namespace crier::cmd
