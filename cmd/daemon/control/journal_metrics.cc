#include "cmd/daemon/control/journal_metrics.h"

#include <cstddef>
#include <string>

namespace crier::cmd {
namespace {

using broadcast::JournalFailure;
using metrics::Catalogue;

void add_file(Catalogue& catalogue, const JournalStats& stats) {
  catalogue.gauge("crier_journal_file_bytes", "Size of the journal's files on the disk.")
      .add(stats.file_bytes);
  catalogue.gauge("crier_journal_loaded_events", "Events that the start has read from the journal.")
      .add(stats.loaded_events);
  catalogue
      .gauge("crier_journal_holes",
             "Damaged places that the start has found in the journal; clients whose events they "
             "may have held get crier.gap.")
      .add(stats.holes);
}

void add_nodes(Catalogue& catalogue, const JournalSources& sources) {
  const NatsJournalStats& stats = *sources.nodes;
  catalogue
      .gauge("crier_journal_reachable",
             "journal.kind nats only, as the next five: 1: the stream has answered this node; 0: "
             "NATS is away, and publishers get 503.")
      .add([reachable = sources.reachable] { return reachable() ? 1.0 : 0.0; });
  catalogue
      .gauge("crier_journal_behind_events",
             "Events that are known to be in the stream and have not come to this node yet.")
      .add(stats.behind);
  catalogue.counter("crier_journal_disconnects_total", "Times NATS was lost.").add(stats.away);
  catalogue
      .counter("crier_journal_foreign_messages_total",
               "Messages of the stream that are no events of crier, and were passed over.")
      .add(stats.foreign);
  catalogue
      .counter("crier_journal_duplicates_total",
               "Events that this node has sent and the stream had under their key already.")
      .add(stats.repeated);
  catalogue
      .counter("crier_journal_late_events_total",
               "Events that came from the stream after their publisher had got 503.")
      .add(stats.late);
}

}  // namespace

void add_journal_metrics(Catalogue& catalogue, const JournalSources& sources) {
  const JournalStats& stats = *sources.stats;
  catalogue
      .histogram("crier_journal_commit_seconds",
                 "From handing events to the journal until their commit is known.", 1e6)
      .add(stats.commits);
  catalogue.counter("crier_journal_events_total", "Events that the journal has committed.")
      .add(stats.events);
  catalogue.counter("crier_journal_written_bytes_total", "Bytes of events written to the journal.")
      .add(stats.written_bytes);
  catalogue
      .gauge("crier_journal_pending_bytes",
             "Bytes of accepted events that wait for their commit; at most 16 MiB wait.")
      .add(stats.pending_bytes);
  auto failed = catalogue.counter("crier_journal_failures_total",
                                  "Publish requests that the journal did not commit, by reason.");
  for (std::size_t i = 0; i < kNamesOf<JournalFailure>.size(); ++i) {
    if (!sources.file && static_cast<JournalFailure>(i) == JournalFailure::io_error) continue;
    failed.add({{"reason", std::string(kNamesOf<JournalFailure>[i])}}, stats.failed[i]);
  }
  if (sources.file) add_file(catalogue, stats);
  if (sources.nodes != nullptr) add_nodes(catalogue, sources);
}

}  // namespace crier::cmd
