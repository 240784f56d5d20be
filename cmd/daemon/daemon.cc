#include "cmd/daemon/daemon.h"

#include <sys/random.h>

#include <array>
#include <csignal>
#include <future>
#include <new>
#include <system_error>
#include <type_traits>
#include <utility>

#include "cmd/daemon/ready_lines.h"
#include "cmd/daemon/settings.h"
#include "cmd/system/version.h"
#include "config/load.h"
#include "core/check.h"
#include "net/socket/endpoint.h"
#include "net/socket/peer_credentials.h"
#include "net/socket/ready_set.h"

namespace crier::cmd {
namespace {

constexpr std::uint64_t kTickMs = 250;
constexpr std::uint64_t kFullUs = 2'000'000;
constexpr std::uint64_t kExpireMs = 1'000;
constexpr std::uint64_t kDrainLookMs = 20;
constexpr std::uint64_t kStatusMs = 5'000;
constexpr std::uint32_t kStopSeconds = 5;  // Once everybody is gone or cut off.
// Each debug rule has its line when all begin or end at once.
constexpr std::uint32_t kRepeatedLinesPerSecond = kDebugRulesMax;
constexpr std::size_t kControlWatches = 8;  // At the start: wake-ups, signals, listeners.
constexpr std::size_t kWorkerWatches = 4;
constexpr std::array kSignals = {SIGTERM, SIGINT, SIGHUP};

broadcast::LogOptions log_options(const config::Config& config, Epoch epoch, HashKey topic_key) {
  broadcast::LogOptions options;
  options.epoch = epoch;
  options.topic_key = topic_key;
  options.classes = topic_classes(config);
  options.history_bytes_max = config.history.bytes_max;
  options.topics_max = config.limits.topics_max;
  return options;
}

std::uint32_t streams_at_most(const Preflight& checked) {
  return static_cast<std::uint32_t>(checked.fit.streams_possible);
}

}  // namespace

Daemon::Keys::Keys() {
  static_assert(std::is_trivially_copyable_v<Keys>);
  const ssize_t drawn = ::getrandom(this, sizeof(Keys), 0);
  CRIER_CHECK(drawn == static_cast<ssize_t>(sizeof(Keys)));
}

Daemon::Daemon(Start start)
    : start_(std::move(start)),
      config_(start_.checked.config),
      stderr_log_(log_level(config_), config_.log.format),
      log_(stderr_log_, kRepeatedLinesPerSecond),
      starvation_(log_),
      connections_(stderr_log_, config_.log.connections_per_second),
      debug_switch_(log_,
                    [this](const DebugRules& rules) {
                      for (const auto& worker : workers_) worker->order_debug(rules);
                    }),
      kernel_(config_.kernel, start_.checked.kernel_need, log_),
      event_log_(log_options(config_, Epoch::from_random(keys_.epoch), keys_.topics)),
      encoder_(event_log_.epoch(), event_log_.topic_key(), &frames_),
      counts_(config_.limits.streams_max, keys_.addresses),
      tables_left_(static_cast<std::ptrdiff_t>(start_.checked.workers) + 1),
      wakeup_(loop_, [] {}),
      signals_(loop_, kSignals, [this](int number) { on_signal(number); }),
      idempotency_(keys_.idempotency, config_.publish.idempotency_keys_max,
                   config_.publish.idempotency_seconds_max),
      alive_(loop_, [this] { on_alive(); }),
      status_(loop_, [this] { tell_status(); }),
      tick_(loop_, [this] { on_tick(); }),
      expire_(loop_, [this] { on_expire(); }),
      stop_timer_(loop_, [this] { drain(); }) {
  sockets_.current = start_.checked.sockets;
  counts_.streams_max = streams_at_most(start_.checked);
  counts_.streams_per_address_max = config_.limits.streams_per_address_max;
}

Daemon::~Daemon() {
  if (phase_ != Phase::stopping) kernel_.finish();  // A start that failed half-way.
  stop_workers();
  publish_server_.reset();
  admin_server_.reset();
}

Result<std::unique_ptr<Daemon>> Daemon::start(Start start) {
  try {
    return make(std::move(start));
  } catch (const std::system_error& error) {  // Of a constructor: see net::Loop.
    return fail(Errc::os, std::string(error.what()) +
                              "; raise LimitNOFILE= (ulimit -n) or fs.file-max, or lower "
                              "workers.count");
  } catch (const std::bad_alloc&) {  // Of a ReservedArray, which reserves a table at once.
    return fail(Errc::os,
                "the system refuses the address space for the tables that the limits ask for; "
                "raise the limit on it (ulimit -v, vm.overcommit_memory), or lower "
                "limits.streams_max, limits.topics_max or workers.count");
  }
}

Result<std::unique_ptr<Daemon>> Daemon::make(Start start) {
  net::ignore_broken_pipes();
  const auto endpoint = net::Endpoint::parse(start.checked.config.http.listen);
  if (!endpoint) {
    return fail(endpoint.error().code, "http.listen: " + endpoint.error().detail);
  }
  if (start.activation.http.empty()) {
    if (const auto free = net::probe_address(*endpoint); !free) {
      return std::unexpected(free.error());
    }
  }
  // libuv ends the process when it cannot watch what it must, so this is asked for before.
  const std::size_t watches = kControlWatches + start.checked.workers * kWorkerWatches;
  if (const auto room = net::probe_watches(watches); !room) return std::unexpected(room.error());

  std::unique_ptr<Daemon> daemon(new Daemon(std::move(start)));
  for (const std::string& warning : daemon->start_.checked.warnings) daemon->log_.warning(warning);
  daemon->kernel_.start();
  if (auto usable = daemon->try_sockets(); !usable) return std::unexpected(usable.error());
  if (auto loaded = daemon->load_journal(); !loaded) return std::unexpected(loaded.error());
  daemon->make_workers();
  for (const auto open : {&Daemon::start_workers, &Daemon::open_publish_socket, &Daemon::open_admin,
                          &Daemon::open_listeners}) {
    if (const auto opened = (daemon.get()->*open)(); !opened) {
      return std::unexpected(opened.error());
    }
  }
  daemon->phase_ = Phase::serving;
  daemon->say_ready();
  return daemon;
}

void Daemon::make_workers() {
  const Preflight& checked = start_.checked;
  const Worker::Shared shared{counts_, log_head_, [this] { wakeup_.send(); }, tables_left_};
  const auto classes = topic_classes(config_);
  for (std::uint32_t i = 0; i < checked.workers; ++i) {
    WorkerSetup setup;
    setup.identity = {event_log_.epoch(), keys_.traces, i, keys_.worker_seed + i};
    setup.options = worker_options(config_, counts_.streams_max);
    setup.options.epoch = event_log_.epoch();
    setup.options.topic_key = keys_.topics;
    setup.options.random_seed = keys_.worker_seed ^ (std::uint64_t{i} << 32);
    setup.options.classes = classes;
    setup.options.workers = checked.workers;
    setup.options.frames = &frames_;
    setup.options.history_bytes = &event_log_.stats().history_bytes;
    setup.policy = subscribe_policy(config_);
    setup.endpoint = *net::Endpoint::parse(config_.http.listen);
    setup.listener = listener_options(config_, sockets_.current);
    setup.pending = pending_limits(config_, checked.fit.requests_possible, checked.workers);
    setup.notes_per_second = config_.log.connections_per_second;
    setup.own_descriptor_table = checked.fit.own_descriptor_tables;
    setup.handed_in = handed_in(i);
    if (!checked.places.empty()) setup.place = checked.places[i];
    setup.steering = config_.workers.steering == config::Steering::cpu;
    workers_.push_back(std::make_unique<Worker>(std::move(setup), shared));
  }
  feed_.emplace(event_log_, log_head_, workers_);
  control_.emplace(
      Control::Parts{event_log_, *feed_, connections_, stderr_log_.whatever_level(), workers_});
  loop_.set_end_of_turn([this] { finish_turn(); });
  tick_.start_repeating(kTickMs);
  expire_.start_repeating(kExpireMs);
}

HandedIn Daemon::handed_in(std::size_t worker) const {
  const Activation& activation = start_.activation;
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
  return mine;
}

Result<void> Daemon::start_workers() {
  for (const auto& worker : workers_) worker->start_thread();
  // Nothing is opened before every worker has left the common descriptor table.
  tables_left_.arrive_and_wait();
  for (net::Fd& listener : start_.activation.http) {
    // In a common table it is the worker's now; in a table of its own each has a copy.
    if (start_.checked.fit.own_descriptor_tables) {
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

// A list is an order, `auto` a wish.
Result<void> Daemon::look_at_places() {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    if (const auto& pinned = workers_[i]->pinned(); !pinned) {
      if (config_.workers.affinity != config::kAffinityAuto) return pinned;
      log_.warning("a worker is not pinned", {{"worker", i}, {"why", pinned.error().detail}});
    } else if (const auto place = workers_[i]->place()) {
      // Not limited: it is one line a worker.
      stderr_log_.info("worker pinned",
                       {{"worker", i}, {"processor", place->number}, {"node", place->node}});
    }
  }
  return {};
}

Result<void> Daemon::open_listeners() {
  std::vector<std::future<Result<void>>> opened;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    std::promise<Result<void>> promise;
    opened.push_back(promise.get_future());
    control_->post(i, [promise = std::move(promise)](Worker& worker) mutable {
      promise.set_value(worker.listen());
    });
  }
  feed_->flush();
  Result<void> all;
  for (auto& one : opened) {
    if (auto result = one.get(); !result && all) all = std::move(result);
  }
  if (all) make_catalogue();
  return all;
}

void Daemon::say_ready() {
  log_.info("ready", {{"version", version()},
                      {"workers", workers_.size()},
                      {"streams_max", counts_.streams_max.load()},
                      {"http", config_.http.listen},
                      {"publish", config_.publish.socket},
                      {"admin", config_.admin.listen}});
  log_.info("subscribe: " + subscribe_line(*net::Endpoint::parse(config_.http.listen)));
  log_.info("publish:   " + publish_line(config_.publish.socket));
  if (!supervisor_.present()) return;
  tell_status();
  supervisor_.ready();
  status_.start_repeating(kStatusMs);
  if (const auto ms = supervisor_.alive_interval_ms(); ms > 0) alive_.start_repeating(ms);
}

// The watchdog of the service manager is fed only while every loop turns.
void Daemon::on_alive() {
  supervisor_.alive(control_->all_workers_turn());
}

void Daemon::tell_status() {
  const std::string streams = with_thousands(counts_.streams.load()) + " streams";
  if (phase_ != Phase::serving) {
    supervisor_.status("draining: " + streams + " left");
    return;
  }
  supervisor_.status("serving " + streams + "; " +
                     with_thousands(event_log_.stats().events.read()) + " events published");
}

// The end of every turn of the control loop, in order.
void Daemon::finish_turn() {
  const bool more = control_->take_outboxes(net::Loop::now());
  const bool behind = feed_->flush();
  loop_.keep_awake(more || behind);
}

void Daemon::on_tick() {
  const Instant now = net::Loop::now();
  stderr_log_.report_lost();
  log_.tick(now);
  connections_.tick(now);
  control_->tick(now);
  debug_switch_.tick(now);
  supervisor_.retry();
  if (phase_ == Phase::serving) look_for_shortage(now);
}

void Daemon::look_for_shortage(Instant now) {
  std::vector<std::uint64_t> workers;
  std::uint64_t refused = 0;
  for (const auto& worker : workers_) {
    workers.push_back(worker->listener_counters().starved.read());
    refused += worker->listener_counters().options_refused.read();
  }
  starvation_.look({.workers = workers,
                    .shared = start_.activation.http_shared,
                    .others = publish_server_->counters().accepts_starved.read() +
                              admin_server_->counters().accepts_starved.read()},
                   now);
  if (std::exchange(options_refused_, refused) != refused) {
    log_.warning("the kernel refused socket options; a reload tries again");
  }
  if (is_full()) full_until_ = Instant{now.us + kFullUs};
}

bool Daemon::is_full() const {
  return counts_.streams.load() >= counts_.streams_max.load();
}

void Daemon::on_expire() {
  // A bounded share; the rest soon, so that publishers are not held up.
  const bool more = event_log_.expire(net::Loop::now());
  journal_.trim(event_log_.retained_after());
  expire_.start_repeating(more ? 1 : kExpireMs);
}

void Daemon::on_signal(int number) {
  if (number == SIGHUP) {
    if (phase_ == Phase::serving) supervisor_.reloading();
    reload();
    if (phase_ == Phase::serving) supervisor_.ready();
  } else if (phase_ == Phase::serving) {
    announce_stop();
  } else {
    log_.info("second signal: ending at once");
    stop();
  }
}

std::string_view Daemon::why_not_ready() const {
  if (phase_ != Phase::serving) return "draining";
  const Instant now = net::Loop::now();
  if (is_full() || now < full_until_) {
    return "full: as many streams as limits.streams_max and the limit on open files allow";
  }
  if (starvation_.lasts(now)) return "no descriptor or memory for new connections";
  return {};
}

void Daemon::announce_stop() {
  phase_ = Phase::announced;
  supervisor_.stopping(config_.drain.delay_seconds + config_.drain.window_seconds + kStopSeconds);
  tell_status();
  log_.info("draining", {{"streams", counts_.streams.load()},
                         {"delay_seconds", config_.drain.delay_seconds},
                         {"window_seconds", config_.drain.window_seconds}});
  if (config_.drain.delay_seconds == 0) {
    drain();
  } else {
    stop_timer_.start_once(std::uint64_t{config_.drain.delay_seconds} * 1'000);
  }
}

// Called when the delay is over, and then again and again until everybody is gone.
void Daemon::drain() {
  const Instant now = net::Loop::now();
  if (phase_ == Phase::announced) {
    phase_ = Phase::draining;
    const std::uint32_t window_ms = config_.drain.window_seconds * 1'000;
    drain_ends_ = Instant{now.us + std::uint64_t{window_ms} * 1'000};
    for (const auto& worker : workers_) worker->order_drain(window_ms);
    stop_timer_.start_repeating(kDrainLookMs);
    return;
  }
  if (phase_ == Phase::draining && (now >= drain_ends_ || counts_.streams.load() == 0)) stop();
}

void Daemon::stop() {
  if (phase_ == Phase::stopping) return;
  phase_ = Phase::stopping;
  supervisor_.stopping(kStopSeconds);
  // What was accepted is answered; then the servers go, which read what the workers own.
  journal_.finish();
  admin_server_->close();
  publish_server_->close();
  stop_workers();
  while (control_->take_outboxes(net::Loop::now())) {  // Their last notes.
  }
  connections_.flush();
  kernel_.finish();
  net::hold_signals(kSignals);
  log_.info("stopped");
  log_.flush();
  loop_.stop();
}

void Daemon::stop_workers() {
  for (const auto& worker : workers_) worker->order_stop();
  for (const auto& worker : workers_) worker->join();
}

}  // namespace crier::cmd
