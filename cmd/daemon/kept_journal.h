// The journal of the daemon: opened as the configuration says, loaded, kept small, finished once.
//
// Belongs to the control loop.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broadcast/log/journal.h"
#include "broadcast/log/log.h"
#include "broadcast/log/log_loader.h"
#include "broadcast/log/log_survey.h"
#include "cmd/daemon/control/control.h"
#include "cmd/daemon/control/journal_metrics.h"
#include "cmd/daemon/control/journal_pages.h"
#include "cmd/journal/journal_stats.h"
#include "cmd/journal/nats/nats_journal.h"
#include "cmd/journal/sqlite_journal.h"
#include "config/config.h"
#include "core/log.h"
#include "core/result.h"
#include "net/loop/loop.h"

namespace crier::cmd {

// Thrown by a constructor.
struct NoJournal {
  Error why;
};

class KeptJournal {
 public:
  // All outlive it. Throws NoJournal: the log needs the journal's keys when it is made.
  KeptJournal(const config::Config& config, net::Loop& loop, LogSink& log);

  broadcast::Journal& get() const { return *journal_; }
  const broadcast::JournalIdentity& identity() const { return journal_->identity(); }
  JournalSources metric_sources() const;
  // Those that no worker must keep open. Requires: load() has returned.
  std::vector<int> descriptors() const;

  // Says how far it is once a second, and at the end what was found.
  [[nodiscard]] Result<void> load(broadcast::LogLoader& loader);

  // Whether an event beyond the log's head is one that another node has published.
  Coming coming(std::uint64_t sequence, Instant asked);
  bool has_other_nodes() const { return nodes_ != nullptr; }

  // At the end of each turn.
  void flush() {
    if (!finished_) journal_->flush();
  }
  // A bounded share of finding out what it need not keep. Returns true if more is left.
  bool survey(broadcast::Log& log);

  // Why publishers are refused; empty: they are not.
  std::string_view problem() const;
  // True if it cannot know which numbers are in use: the daemon has to end, and to load it anew.
  bool lost() const { return lost_; }
  // Whether streams need not end at once then: what they have sent stays true.
  bool may_drain() const { return config_.kind == config::JournalKind::nats; }

  // What an operator reads of it; null: it is in memory. Made at the first call.
  JournalPages* pages(const broadcast::Log& log);

  // Answers what was accepted; nothing may be appended any more. Idempotent.
  void finish();

 private:
  void open_nats(const config::Config& config, net::Loop& loop);
  std::string figures(const broadcast::Log& log) const;
  std::string node_figures(const broadcast::Log& log) const;

  const config::Journal& config_;
  const config::Nats& nats_;
  LogSink& log_;
  std::unique_ptr<broadcast::Journal> journal_;
  SqliteJournal* file_ = nullptr;        // journal_, if it has a file.
  NatsJournal* nodes_ = nullptr;         // journal_, if it has other nodes.
  const JournalStats* stats_ = nullptr;  // The journal's.
  std::optional<JournalPages> pages_;
  std::optional<broadcast::LogSurvey> survey_;  // Set while one is under way.
  bool lost_ = false;
  bool finished_ = false;
};

}  // namespace crier::cmd
