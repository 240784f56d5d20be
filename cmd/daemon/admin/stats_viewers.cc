#include "cmd/daemon/admin/stats_viewers.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "cmd/daemon/admin/event_stream.h"
#include "cmd/daemon/control/loop_metrics.h"
#include "cmd/status/sample_json.h"
#include "core/check.h"

namespace crier::cmd {
namespace {

constexpr std::string_view kBegin = "retry: 2000\n\n";
constexpr std::uint64_t kFreshMicros = 500'000;  // A new viewer gets a sample not older than this.
static_assert(kSampleBytesMax + 64 <= net::kStreamPieceMax);

// The workers from the one after kShownWorkers on share a row, as in /metrics.
std::vector<WorkerFigures> figures_of(const StatsViewers::Sources& sources) {
  std::vector<WorkerFigures> rows;
  for (std::size_t i = 0; i < sources.workers.size(); ++i) {
    if (i <= kShownWorkers) rows.emplace_back().name = worker_name(i);
    WorkerFigures& row = rows.back();
    const broadcast::WorkerStats& worker = *sources.workers[i];
    row.streams += worker.streams.read();
    row.delivered += worker.events_delivered.read();
    row.bytes += worker.bytes_sent.read();
    row.turns += sources.loops[i]->turns.count();
    row.busy_seconds += static_cast<double>(sources.loops[i]->turns.sum()) / 1e6;
  }
  return rows;
}

// Each worker has a queue of its own, and clients of a full one wait however empty the others are.
AcceptQueue fullest_queue(const StatsViewers::Sources& sources) {
  AcceptQueue fullest;
  for (const net::ListenerCounters* listener : sources.listeners) {
    const AcceptQueue queue{listener->waiting.read(), listener->waiting_max.read()};
    if (fullest.max == 0 || queue.waiting * fullest.max > fullest.waiting * queue.max) {
      fullest = queue;
    }
  }
  return fullest;
}

std::vector<KernelAdvice> advice_of(const KernelTuner* kernel) {
  std::vector<KernelAdvice> rows;
  if (kernel == nullptr) return rows;
  for (const Examined& one : kernel->all()) {
    if (one.verdict != Verdict::below) continue;
    rows.push_back({std::string(one.parameter->name), one.current, config::to_text(*one.goal),
                    how_to_change(one)});
  }
  return rows;
}

}  // namespace

StatsViewers::StatsViewers(Parts parts)
    : parts_(std::move(parts)),
      started_(parts_.now()),
      topics_(parts_.batches, parts_.workers),
      lagging_(parts_.log, parts_.workers, parts_.now),
      timer_(parts_.loop, [this] { send_all(); }) {}

bool StatsViewers::full() {
  forget_gone();
  return viewers_.size() >= parts_.viewers_max;
}

void StatsViewers::add(const net::Responder& responder, std::string_view trace_id, bool head_only) {
  std::string head = event_stream_head(trace_id);
  if (head_only) return responder.stream(std::move(head), {}).end();
  CRIER_CHECK(viewers_.size() < parts_.viewers_max);
  const auto viewer = responder.stream(std::move(head), [this] { forget_gone(); });
  const Instant now = parts_.now();
  if (!made_at_ || now.us - made_at_->us >= kFreshMicros) make_sample();
  // Refused while much of an earlier answer waits: send_all() serves it later.
  if (viewer.write(kBegin)) static_cast<void>(viewer.write(sample_));
  viewers_.push_back({viewer, now});
  if (!timer_.running()) timer_.start_repeating(parts_.sample_ms);
}

void StatsViewers::close() {
  for (const Viewer& viewer : std::exchange(viewers_, {})) {
    if (viewer.stream.wanted()) viewer.stream.end();
  }
  rest_if_alone();
}

void StatsViewers::forget_gone() {
  std::erase_if(viewers_, [](const Viewer& viewer) { return !viewer.stream.wanted(); });
  rest_if_alone();
}

void StatsViewers::rest_if_alone() {
  if (!viewers_.empty()) return;
  timer_.stop();
  stop_looking();
}

void StatsViewers::stop_looking() {
  topics_.stop();
  lagging_.stop();
}

void StatsViewers::send_all() {
  forget_gone();
  if (viewers_.empty()) return;
  make_sample();
  const Instant now = parts_.now();
  std::erase_if(viewers_, [&](Viewer& viewer) {
    if (viewer.stream.waiting() == 0) {
      viewer.took_all = now;
      // A write that finds the viewer gone is followed by forget_gone().
      static_cast<void>(viewer.stream.write(sample_));
    }
    const bool unread = now.us - viewer.took_all.us > kUnreadSeconds * 1'000'000;
    if (unread) viewer.stream.end();
    return unread;
  });
  rest_if_alone();
}

void StatsViewers::make_sample() {
  const std::chrono::duration<double> unix_time =
      std::chrono::system_clock::now().time_since_epoch();
  const Instant now = parts_.now();
  parts_.catalogue.refresh(now);
  std::optional<std::vector<TopicFigures>> topics;
  std::optional<std::vector<LaggingFigures>> lagging;
  if (parts_.config.admin.debug) {
    topics = topics_.sample(now);
    lagging = lagging_.sample();
  } else {
    stop_looking();
  }
  sample_ = "event: sample\ndata: ";
  sample_ += sample_json({.catalogue = parts_.catalogue,
                          .why_not_ready = parts_.why_not_ready(),
                          .now_unix_seconds = unix_time.count(),
                          .uptime_seconds = static_cast<double>(now.us - started_.us) / 1e6,
                          .workers = figures_of(sources_),
                          .kernel = advice_of(sources_.kernel),
                          .accept_queue = fullest_queue(sources_),
                          .topics = std::move(topics),
                          .lagging = std::move(lagging),
                          .tail = parts_.config.admin.debug,
                          .publish = parts_.config.admin.publish});
  sample_ += "\n\n";
  made_at_ = now;
  ++samples_made_;
}

}  // namespace crier::cmd
