#include "cmd/daemon/worker_set.h"

#include <future>
#include <utility>

#include "cmd/daemon/settings.h"
#include "cmd/system/drawn.h"
#include "net/socket/endpoint.h"

namespace crier::cmd {

WorkerSet::WorkerSet(Parts parts, const net::SocketOptions& sockets)
    : parts_(std::move(parts)),
      trace_key_(drawn<HashKey>()),
      seed_(drawn<std::uint64_t>()),
      tables_left_(static_cast<std::ptrdiff_t>(parts_.checked.workers) + 1),
      requests_(RequestLimiter::kAddressesMax, drawn<HashKey>()) {
  const Worker::Shared shared{
      parts_.counts, parts_.log_head, parts_.wake_control,
      tables_left_,  accepting_,      [this](std::uint32_t worker) { workers_[worker]->wake(); },
      requests_};
  const auto classes = topic_classes(parts_.config);
  for (std::uint32_t i = 0; i < parts_.checked.workers; ++i) {
    WorkerSetup setup = setup_of(i, sockets);
    setup.options.classes = classes;
    workers_.push_back(std::make_unique<Worker>(std::move(setup), shared));
  }
}

std::vector<WorkerLink*> WorkerSet::links() const {
  std::vector<WorkerLink*> links;
  for (const auto& worker : workers_) links.push_back(&worker->link());
  return links;
}

// Without the classes of topics, which all workers share.
WorkerSetup WorkerSet::setup_of(std::uint32_t worker, const net::SocketOptions& sockets) const {
  const config::Config& config = parts_.config;
  const Preflight& checked = parts_.checked;
  WorkerSetup setup;
  setup.identity = {parts_.event_log.epoch(), trace_key_, worker, seed_ + worker,
                    parts_.config.journal.kind == config::JournalKind::nats};
  setup.options = worker_options(config, parts_.counts.streams_max);
  setup.options.epoch = parts_.event_log.epoch();
  setup.options.topic_key = parts_.topic_key;
  setup.options.random_seed = seed_ ^ (std::uint64_t{worker} << 32);
  setup.options.workers = checked.workers;
  setup.options.frames = &parts_.frames;
  setup.options.history_bytes = &parts_.event_log.stats().history_frame_bytes;
  setup.options.closed = &parts_.event_log.closed_topics();
  setup.options.memory = &parts_.memory;
  setup.policy = subscribe_policy(config, checked.fit.bound);
  setup.endpoint = *net::Endpoint::parse(config.http.listen);
  setup.listener = listener_options(config, sockets);
  setup.pending = pending_limits(config, checked.fit.requests_possible, checked.workers);
  setup.notes_per_second = notes_per_second(config);
  setup.own_descriptor_table = checked.fit.own_descriptor_tables;
  setup.handed_in = handed_in(worker);
  if (!checked.places.empty()) setup.place = checked.places[worker];
  setup.steering = config.workers.steering == config::Steering::cpu;
  return setup;
}

HandedIn WorkerSet::handed_in(std::size_t worker) const {
  const Activation& activation = parts_.activation;
  HandedIn mine{.shared = activation.http_shared};
  for (std::size_t i = 0; i < activation.http.size(); ++i) {
    const int fd = activation.http[i].get();
    if (i == worker) {
      mine.listener = fd;
    } else {
      mine.others.push_back(fd);
    }
  }
  if (activation.publish) mine.others.push_back(activation.publish.get());
  mine.others.insert(mine.others.end(), parts_.journal_descriptors.begin(),
                     parts_.journal_descriptors.end());
  return mine;
}

Result<void> WorkerSet::start() {
  for (const auto& worker : workers_) worker->start_thread();
  // Nothing is opened before every worker has left the common descriptor table.
  tables_left_.arrive_and_wait();
  for (net::Fd& listener : parts_.activation.http) {
    // In a common table it is the worker's now; in a table of its own each has a copy.
    if (parts_.checked.fit.own_descriptor_tables) {
      listener.reset();
    } else {
      static_cast<void>(listener.release());
    }
  }
  Result<void> all;
  for (const auto& worker : workers_) {
    if (auto started = worker->wait_until_started(); !started && all) all = std::move(started);
  }
  if (!all) return all;
  return look_at_places();
}

// A listed processor must work; `auto` only warns.
Result<void> WorkerSet::look_at_places() {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (const auto& pinned = workers_[i]->pinned(); !pinned) {
      if (parts_.config.workers.affinity != config::kAffinityAuto) return pinned;
      parts_.logs.limited.warning("a worker is not pinned",
                                  {{"worker", i}, {"why", pinned.error().detail}});
    } else if (const auto place = workers_[i]->place()) {
      // Not limited: it is one line a worker.
      parts_.logs.sink.info("worker pinned",
                            {{"worker", i}, {"processor", place->number}, {"node", place->node}});
    }
  }
  return {};
}

Result<void> WorkerSet::listen() {
  std::vector<std::future<Result<void>>> opened;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    std::promise<Result<void>> promise;
    opened.push_back(promise.get_future());
    WorkerLink& link = workers_[i]->link();
    link.post([promise = std::move(promise), &worker = *workers_[i]](WorkerPages&) mutable {
      promise.set_value(worker.listen());
    });
    link.wake_if_pushed();
  }
  Result<void> all;
  for (auto& one : opened) {
    if (auto result = one.get(); !result && all) all = std::move(result);
  }
  return all;
}

void WorkerSet::order_reload(const net::SocketPlan& sockets) {
  const config::Config& config = parts_.config;
  for (const auto& worker : workers_) {
    worker->link().order_reload({worker_options(config, parts_.counts.streams_max),
                                 subscribe_policy(config, parts_.checked.fit.bound),
                                 notes_per_second(config), sockets});
  }
}

void WorkerSet::order_debug(const DebugRules& rules) {
  for (const auto& worker : workers_) worker->link().order_debug(rules);
}

void WorkerSet::order_drain(std::uint32_t spread_ms, bool ids_end) {
  for (const auto& worker : workers_) worker->link().order_drain(spread_ms, ids_end);
}

void WorkerSet::stop() {
  for (const auto& worker : workers_) worker->link().order_stop();
  for (const auto& worker : workers_) worker->join();
}

void WorkerSet::add_sources(MetricSources& sources) const {
  for (const auto& worker : workers_) {
    sources.workers.push_back(&worker->stats());
    sources.worker_loops.push_back(&worker->loop_stats());
    sources.refusals.push_back(&worker->refusals());
    sources.pending.push_back(&worker->pending_counters());
    sources.listeners.push_back(&worker->listener_counters());
  }
}

std::vector<std::uint64_t> WorkerSet::starved_accepts() const {
  std::vector<std::uint64_t> starved;
  for (const auto& worker : workers_) {
    starved.push_back(worker->listener_counters().starved.read());
  }
  return starved;
}

void WorkerSet::read_memory(MemoryReading& reading) const {
  std::uint64_t rings = 0;
  std::uint64_t heads = 0;
  for (const auto& worker : workers_) {
    rings += worker->stats().ring_bytes.read();
    heads += worker->pending_counters().heads.read();
  }
  reading.set(MemoryPart::rings, rings);
  reading.set(MemoryPart::requests, heads * config::kPendingRequestBytes);
}

void WorkerSet::add_times(LimitTimes& times) const {
  for (const auto& worker : workers_) {
    const RefusalCounts& refused = worker->refusals();
    times.add(Limit::streams_max, refused.read(RefusalReason::streams_max));
    times.add(Limit::streams_per_topic_max, refused.read(RefusalReason::streams_per_topic_max));
    times.add(Limit::class_streams_max, refused.read(RefusalReason::class_streams_max));
    times.add(Limit::topics_max, refused.read(RefusalReason::topics_max));
    times.add(Limit::patterns_max, refused.read(RefusalReason::patterns_max));
    times.add(Limit::pending_requests_max, worker->pending_counters().evicted.read());
    times.add(Limit::owed_total_bytes_max, worker->stats().gave_way.read());
  }
}

std::uint64_t WorkerSet::options_refused() const {
  std::uint64_t refused = 0;
  for (const auto& worker : workers_) {
    refused += worker->listener_counters().options_refused.read();
  }
  return refused;
}

}  // namespace crier::cmd
