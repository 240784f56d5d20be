#include "cmd/daemon/kept_journal.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "broadcast/log/memory_journal.h"
#include "cmd/daemon/load_progress.h"
#include "cmd/journal/head_file.h"
#include "cmd/journal/journal_file.h"
#include "cmd/system/drawn.h"
#include "cmd/system/journal_path.h"
#include "config/json_value.h"
#include "net/socket/descriptor_table.h"

namespace crier::cmd {
namespace {

// How long a client waits at most for an event that it has had from another node.
constexpr std::uint32_t kComingMs = 30'000;

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
    : config_(config.journal), nats_(config.nats), log_(log) {
  if (config_.kind == config::JournalKind::memory) {
    if (const std::string path = unused_file(config_); !path.empty()) leave_unused(path, log);
    static const JournalStats kNothing;
    stats_ = &kNothing;
    journal_ = std::make_unique<broadcast::MemoryJournal>(broadcast::JournalIdentity{
        Epoch::from_random(drawn<std::uint64_t>()), drawn<HashKey>(), drawn<HashKey>()});
    return;
  }
  if (config_.kind == config::JournalKind::nats) {
    open_nats(config, loop);
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

void KeptJournal::open_nats(const config::Config& config, net::Loop& loop) {
  const config::Nats& nats = config.nats;
  std::uint32_t age =
      std::max(config.history.age_seconds_max, config.publish.idempotency_seconds_max);
  for (const config::TopicRow& row : config.topics) {
    age = std::max(age, row.age_seconds_max.value_or(0));
  }
  NatsJournalOptions options{
      .servers = nats.servers,
      .credentials_file = nats.credentials,
      .ca_file = nats.ca,
      .certificate_file = nats.certificate,
      .key_file = nats.key,
      .stream = {.name = nats.stream,
                 .prefix = nats.prefix,
                 .replicas = nats.replicas,
                 .age_seconds_max = age,
                 .bytes_max = config_.bytes_max,
                 .duplicate_seconds = config.publish.idempotency_seconds_max},
      .event_bytes_max = config.limits.event_bytes_max};
  auto opened = NatsJournal::open(options, {loop, log_, [this] { lost_ = true; }});
  if (!opened) throw NoJournal{std::move(opened.error())};
  nodes_ = opened->get();
  stats_ = &nodes_->stats().common;
  journal_ = std::move(*opened);
}

JournalSources KeptJournal::metric_sources() const {
  JournalSources sources{.stats = stats_, .file = nodes_ == nullptr};
  if (nodes_ != nullptr) {
    sources.nodes = &nodes_->stats();
    sources.reachable = [this] { return nodes_->reachable(); };
  }
  return sources;
}

std::vector<int> KeptJournal::descriptors() const {
  if (file_ != nullptr) return net::descriptors_of(config_.path);
  return nodes_ != nullptr ? nodes_->descriptors() : std::vector<int>();
}

Result<void> KeptJournal::load(broadcast::LogLoader& loader) {
  LoadProgress progress(loader, log_);
  const Instant began = net::Loop::now();
  auto loaded = journal_->load(progress);
  if (loaded && config_.kind != config::JournalKind::memory) {
    log_.info("journal", {{file_ != nullptr ? "path" : "stream",
                           file_ != nullptr ? config_.path : nodes_->stream()},
                          {"events", loader.events()},
                          {"keys", loader.keys()},
                          {"holes", stats_->holes.read()},
                          {"ms", (net::Loop::now().us - began.us) / 1'000}});
  }
  return loaded;
}

Coming KeptJournal::coming(std::uint64_t sequence, Instant asked) {
  if (sequence <= nodes_->position()) return Coming::here;
  if (net::Loop::now() >= after_ms(asked, kComingMs)) return Coming::unknown;
  if (sequence <= nodes_->stream_last()) return Coming::soon;
  if (nodes_->looked_at() > asked) return Coming::unknown;
  nodes_->ask_stream_last(asked);
  return Coming::soon;
}

bool KeptJournal::survey(broadcast::Log& log) {
  if (finished_) return false;
  if (file_ != nullptr) file_->watch();
  if (!survey_ && journal_->wants_survey()) survey_.emplace(log);
  if (!survey_ || !survey_->step()) return survey_.has_value();
  journal_->compact(survey_->take());
  survey_.reset();
  return false;
}

std::string_view KeptJournal::problem() const {
  using enum broadcast::JournalFailure;
  if (file_ != nullptr && file_->disk_is_silent()) {
    return "journal: the disk of journal.path does not answer";
  }
  const auto failing = journal_->failing();
  if (!failing) return {};
  switch (*failing) {
    case no_space:
      return nodes_ != nullptr ? "journal: no space for the stream of NATS"
                               : "journal: no space for journal.path";
    case io_error:
      return "journal: the disk of journal.path fails";
    case unavailable:
    case key_reused:
    case answer_lost:
      break;
  }
  if (nodes_ != nullptr) return "journal: NATS is away";
  return "journal: too many events wait to be written";
}

JournalPages* KeptJournal::pages(const broadcast::Log& log) {
  if (pages_) return &*pages_;
  JournalPages::Parts parts{.figures = {}, .copy = {}, .log = log_, .own_uid = ::geteuid()};
  if (file_ != nullptr) {
    parts.figures = [this, &log] { return figures(log); };
    parts.copy = [this](JournalPages::CopyMade made) { file_->copy(std::move(made)); };
  } else if (nodes_ != nullptr) {
    parts.figures = [this, &log] { return node_figures(log); };
  } else {
    return nullptr;
  }
  return &pages_.emplace(std::move(parts));
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

std::string KeptJournal::node_figures(const broadcast::Log& log) const {
  const NatsJournalStats& stats = nodes_->stats();
  const auto failing = journal_->failing();
  const config::Json figures = {
      {"stream", nodes_->stream()},
      {"kind", "nats"},
      {"servers", nats_.servers},
      {"reachable", nodes_->reachable()},
      {"state", failing ? to_string(*failing) : "ok"},
      {"epoch", identity().epoch.view()},
      {"first", nodes_->stream_first()},
      {"last", nodes_->stream_last()},
      {"position", nodes_->position()},
      {"behind", stats.behind.read()},
      {"events", log.stats().history_events.read()},
      {"pending_bytes", stats.common.pending_bytes.read()},
      {"commits", stats.common.commits.count()},
      {"last_commit_us", stats.common.last_commit_us.read()},
      {"disconnects", stats.away.read()},
      {"foreign_messages", stats.foreign.read()},
      {"duplicates", stats.repeated.read()},
      {"late_events", stats.late.read()},
  };
  return config::dump(figures) + "\n";
}

void KeptJournal::finish() {
  if (std::exchange(finished_, true)) return;
  survey_.reset();
  journal_->finish();
}

}  // namespace crier::cmd
