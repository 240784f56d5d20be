#include "cmd/daemon/kept_journal.h"

#include <unistd.h>

#include <utility>

#include "broadcast/log/memory_journal.h"
#include "cmd/daemon/load_progress.h"
#include "cmd/journal/head_file.h"
#include "cmd/journal/journal_file.h"
#include "cmd/system/drawn.h"
#include "cmd/system/journal_path.h"
#include "config/json_value.h"

namespace crier::cmd {

namespace {

// Empty if no setting of this daemon names a file: another daemon may use the default one.
std::string unused_file(const config::Journal& config) {
  if (!config.path.empty()) return config.path;
  const auto where = JournalSurroundings::of_process();
  return where.state_directory.empty() ? "" : default_journal_path(where);
}

void leave_unused(const std::string& path, LogSink& log) {
  const auto real = real_path(path);
  const auto left = HeadFile::forget(head_of(real.value_or(path)));
  if (!left) {
    log.warning("run `crier journal new-epoch` before journal.kind is sqlite again",
                {{"path", path}, {"error", left.error().detail}});
  } else if (*left) {
    log.warning(
        "journal.kind is memory: the file of the journal is not used, and begins a new "
        "epoch when it is used again",
        {{"path", path}});
  }
}

}  // namespace

KeptJournal::KeptJournal(const config::Config& config, net::Loop& loop, LogSink& log)
    : config_(config.journal), log_(log) {
  if (config_.kind == config::JournalKind::memory) {
    if (const std::string path = unused_file(config_); !path.empty()) leave_unused(path, log);
    static const JournalStats kNothing;
    stats_ = &kNothing;
    journal_ = std::make_unique<broadcast::MemoryJournal>(broadcast::JournalIdentity{
        Epoch::from_random(drawn<std::uint64_t>()), drawn<HashKey>(), drawn<HashKey>()});
    return;
  }
  auto opened =
      SqliteJournal::open({.path = config_.path,
                           .sync_each_commit = config_.sync == config::JournalSync::commit,
                           .sync_ms = config_.sync_ms,
                           .bytes_max = config_.bytes_max,
                           .idempotency_seconds = config.publish.idempotency_seconds_max},
                          {.loop = loop, .log = log, .lost = [this] { lost_ = true; }});
  if (!opened) throw NoJournal{std::move(opened.error())};
  file_ = opened->get();
  stats_ = &file_->stats();
  journal_ = std::move(*opened);
}

Result<void> KeptJournal::load(broadcast::LogLoader& loader) {
  LoadProgress progress(loader, log_);
  const Instant began = net::Loop::now();
  auto loaded = journal_->load(progress);
  if (loaded && config_.kind != config::JournalKind::memory) {
    log_.info("journal", {{"path", config_.path},
                          {"events", loader.events()},
                          {"keys", loader.keys()},
                          {"holes", stats_->holes.read()},
                          {"ms", (net::Loop::now().us - began.us) / 1'000}});
  }
  return loaded;
}

bool KeptJournal::survey(broadcast::Log& log) {
  if (finished_) return false;
  if (!survey_ && journal_->wants_survey()) survey_.emplace(log);
  if (!survey_ || !survey_->step()) return survey_.has_value();
  journal_->compact(survey_->take());
  survey_.reset();
  return false;
}

std::string_view KeptJournal::problem() const {
  using enum broadcast::JournalFailure;
  const auto failing = journal_->failing();
  if (!failing) return {};
  switch (*failing) {
    case no_space:
      return "journal: no space for journal.path";
    case io_error:
      return "journal: the disk of journal.path fails";
    case unavailable:
      break;
  }
  return "journal: too many events wait to be written";
}

JournalPages* KeptJournal::pages(const broadcast::Log& log) {
  if (file_ == nullptr) return nullptr;
  if (!pages_) {
    pages_.emplace(JournalPages::Parts{
        .figures = [this, &log] { return figures(log); },
        .copy = [this](JournalPages::CopyMade made) { file_->copy(std::move(made)); },
        .log = log_,
        .own_uid = ::geteuid()});
  }
  return &*pages_;
}

std::string KeptJournal::figures(const broadcast::Log& log) const {
  const auto failing = journal_->failing();
  const config::Json figures = {
      {"path", config_.path},
      {"kind", "sqlite"},
      {"sync", config_.sync == config::JournalSync::commit ? "commit" : "interval"},
      {"state", failing ? to_string(*failing) : "ok"},
      {"epoch", identity().epoch.view()},
      {"newest", log.head()},
      {"events", log.stats().history_events.read()},
      {"bytes", stats_->batch_bytes.read()},
      {"disk_bytes", stats_->file_bytes.read()},
      {"pending_bytes", stats_->pending_bytes.read()},
      {"commits", stats_->commits.count()},
      {"last_commit_us", stats_->last_commit_us.read()},
      {"holes", stats_->holes.read()},
  };
  return config::dump(figures) + "\n";
}

void KeptJournal::finish() {
  if (std::exchange(finished_, true)) return;
  survey_.reset();
  journal_->finish();
}

}  // namespace crier::cmd
