#include "cmd/daemon/control/journal_metrics.h"

#include <cstddef>
#include <string>

namespace crier::cmd {

using broadcast::JournalFailure;

void add_journal_metrics(metrics::Catalogue& catalogue, const JournalStats& stats) {
  catalogue
      .histogram("crier_journal_commit_seconds",
                 "From handing events to the journal's thread until their commit is known.", 1e6)
      .add(stats.commits);
  catalogue.counter("crier_journal_events_total", "Events that the journal has committed.")
      .add(stats.events);
  catalogue.counter("crier_journal_written_bytes_total", "Bytes of events written to the journal.")
      .add(stats.written_bytes);
  catalogue.gauge("crier_journal_file_bytes", "Size of the journal's files on the disk.")
      .add(stats.file_bytes);
  catalogue
      .gauge("crier_journal_pending_bytes",
             "Bytes of accepted events that wait for their commit; at most 16 MiB wait.")
      .add(stats.pending_bytes);
  catalogue.gauge("crier_journal_loaded_events", "Events that the start has read from the journal.")
      .add(stats.loaded_events);
  catalogue
      .gauge("crier_journal_holes",
             "Damaged places that the start has found in the journal; clients whose events they "
             "may have held get crier.gap.")
      .add(stats.holes);
  auto failed = catalogue.counter("crier_journal_failures_total",
                                  "Publish requests that the journal did not commit, by reason.");
  for (std::size_t i = 0; i < kNamesOf<JournalFailure>.size(); ++i) {
    failed.add({{"reason", std::string(kNamesOf<JournalFailure>[i])}}, stats.failed[i]);
  }
}

}  // namespace crier::cmd
