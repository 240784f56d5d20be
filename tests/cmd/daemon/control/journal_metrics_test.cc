#include "cmd/daemon/control/journal_metrics.h"

#include <string>

#include "metrics/exporter.h"
#include "tests/support/catch.h"

namespace crier::cmd {

TEST_CASE("what the journal counts are metrics, failures by their reason") {
  JournalStats stats;
  stats.commits.observe(1'500);
  stats.events.add(200);
  stats.file_bytes.set(4'096);
  stats.pending_bytes.set(7);
  stats.loaded_events.set(8);
  stats.holes.add(9);
  stats.failed[static_cast<std::size_t>(broadcast::JournalFailure::io_error)].add(2);
  metrics::Catalogue catalogue;
  add_journal_metrics(catalogue, stats);
  const std::string text = "\n" + metrics::render(catalogue);
  for (const char* line :
       {"crier_journal_commit_seconds_sum 0.0015", "crier_journal_file_bytes 4096",
        "crier_journal_events_total 200", "crier_journal_pending_bytes 7",
        "crier_journal_loaded_events 8", "crier_journal_holes 9",
        "crier_journal_failures_total{reason=\"no_space\"} 0",
        "crier_journal_failures_total{reason=\"io_error\"} 2"}) {
    INFO(line);
    CHECK(text.find("\n" + std::string(line) + "\n") != std::string::npos);
  }
}

}  // namespace crier::cmd
