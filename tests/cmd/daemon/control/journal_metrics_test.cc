#include "cmd/daemon/control/journal_metrics.h"

#include <initializer_list>
#include <string>

#include "metrics/exporter.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

void check_lines(const metrics::Catalogue& catalogue, std::initializer_list<const char*> lines) {
  const std::string text = "\n" + metrics::render(catalogue);
  for (const char* line : lines) {
    INFO(line);
    CHECK(text.find("\n" + std::string(line) + "\n") != std::string::npos);
  }
}

}  // namespace

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
  add_journal_metrics(catalogue, {.stats = &stats});
  check_lines(catalogue,
              {"crier_journal_commit_seconds_sum 0.0015", "crier_journal_file_bytes 4096",
               "crier_journal_events_total 200", "crier_journal_pending_bytes 7",
               "crier_journal_loaded_events 8", "crier_journal_holes 9",
               "crier_journal_failures_total{reason=\"no_space\"} 0",
               "crier_journal_failures_total{reason=\"io_error\"} 2"});
  CHECK(catalogue.find("crier_journal_reachable") == nullptr);
}

TEST_CASE("a journal in a stream has metrics of the stream, and none of a file") {
  NatsJournalStats stats;
  stats.common.events.add(200);
  stats.behind.set(3);
  stats.away.add(4);
  stats.foreign.add(5);
  stats.repeated.add(6);
  stats.late.add(7);
  bool reachable = true;
  metrics::Catalogue catalogue;
  add_journal_metrics(catalogue,
                      {.stats = &stats.common, .file = false, .nodes = &stats, .reachable = [&] {
                         return reachable;
                       }});
  check_lines(catalogue, {"crier_journal_events_total 200", "crier_journal_reachable 1",
                          "crier_journal_behind_events 3", "crier_journal_disconnects_total 4",
                          "crier_journal_foreign_messages_total 5",
                          "crier_journal_duplicates_total 6", "crier_journal_late_events_total 7",
                          "crier_journal_failures_total{reason=\"unavailable\"} 0"});
  reachable = false;
  check_lines(catalogue, {"crier_journal_reachable 0"});
  CHECK(catalogue.find("crier_journal_file_bytes") == nullptr);
  CHECK(catalogue.find("crier_journal_holes") == nullptr);
}

}  // namespace crier::cmd
