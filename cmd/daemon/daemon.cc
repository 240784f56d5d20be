#include "cmd/daemon/daemon.h"

#include <malloc.h>

#include <array>
#include <csignal>
#include <new>
#include <system_error>
#include <utility>

#include "broadcast/log/log_loader.h"
#include "cmd/daemon/ready_lines.h"
#include "cmd/daemon/settings.h"
#include "cmd/system/drawn.h"
#include "cmd/system/version.h"
#include "net/socket/address_filter.h"
#include "net/socket/endpoint.h"
#include "net/socket/ready_set.h"

namespace crier::cmd {
namespace {

constexpr std::uint64_t kExpireMs = 1'000;
constexpr std::uint64_t kStatusMs = 5'000;
constexpr std::size_t kControlWatches = 8;  // At the start: wake-ups, signals, listeners.
constexpr std::size_t kWorkerWatches = 4;
constexpr std::array kSignals = {SIGTERM, SIGINT, SIGHUP};

broadcast::LogOptions log_options(const config::Config& config,
                                  const broadcast::JournalIdentity& identity) {
  broadcast::LogOptions options;
  options.epoch = identity.epoch;
  options.topic_key = identity.topic_key;
  options.classes = topic_classes(config);
  options.history_bytes_max = config.history.bytes_max;
  options.topics_max = config.limits.topics_max;
  return options;
}

std::uint32_t streams_wanted(const Preflight& checked) {
  return static_cast<std::uint32_t>(checked.budget.streams);
}

std::uint32_t streams_at_most(const Preflight& checked) {
  return static_cast<std::uint32_t>(checked.fit.streams_possible);
}

}  // namespace

Daemon::Daemon(Start start)
    : start_(std::move(start)),
      config_(start_.checked.config),
      logs_(config_),
      journal_(config_, loop_, logs_.limited),
      debug_switch_(logs_.limited,
                    [this](const DebugRules& rules) { workers_->order_debug(rules); }),
      kernel_(config_.kernel, start_.checked.kernel_need, logs_.limited),
      event_log_(log_options(config_, journal_.identity())),
      encoder_(event_log_.epoch(), event_log_.topic_key(), &frames_,
               config_.frames.checksum == config::Checksum::crc32c),
      idempotency_(journal_.identity().idempotency_key, config_.publish.idempotency_keys_max,
                   config_.publish.idempotency_seconds_max),
      counts_(streams_wanted(start_.checked), drawn<HashKey>()),
      wakeup_(loop_, [] {}),
      signals_(loop_, kSignals, [this](int number) { on_signal(number); }),
      shutdown_({loop_, config_, counts_.streams, supervisor_, logs_.limited,
                 [this](std::uint32_t spread_ms) {
                   journal_.finish();  // Answers what was accepted.
                   feed_->flush();     // Events that publishers were told are accepted come first.
                   workers_->order_drain(spread_ms, journal_.lost());
                 },
                 [this] { stop(); }}),
      health_(logs_.limited, counts_, start_.checked.fit.bound),
      limit_watch_(logs_.limited,
                   [this](Limit limit) {
                     return limit_value(limit, config_, counts_.streams_max,
                                        start_.checked.fit.requests_possible);
                   }),
      memory_({logs_.limited, memory_shortage_,
               [this](MemoryReading& reading) { read_memory(reading); },
               [this] { return memory_group_.use(); }},
              start_.checked.fit.memory_max),
      // The watchdog of the service manager is fed only while every loop turns.
      alive_(loop_, [this] { supervisor_.alive(control_->all_workers_turn()); }),
      status_(loop_, [this] { tell_status(); }),
      tick_(loop_, [this] { on_tick(); }),
      expire_(loop_, [this] { on_expire(); }) {
  sockets_.current = start_.checked.sockets;
  counts_.streams_max = streams_at_most(start_.checked);
  counts_.streams_per_address_max = config_.limits.streams_per_address_max;
  if (const std::uint32_t cap = config_.limits.streams_per_topic_max; cap > 0) {
    counts_.cap_topics(cap,
                       topics_listed_most(config_, counts_.streams_max, start_.checked.workers),
                       drawn<HashKey>());
  }
}

Daemon::~Daemon() {
  if (!shutdown_.stopped()) kernel_.finish();  // A start that failed half-way.
  if (workers_) workers_->stop();
}

Result<std::unique_ptr<Daemon>> Daemon::start(Start start) {
  try {
    return make(std::move(start));
  } catch (const NoJournal& no_journal) {
    return std::unexpected(no_journal.why);
  } catch (const std::system_error& error) {  // Thrown by constructors: see net::Loop.
    return fail(Errc::os, std::string(error.what()) +
                              "; raise LimitNOFILE= (ulimit -n) or fs.file-max, or lower "
                              "workers.count");
  } catch (const std::bad_alloc&) {  // Thrown by a ReservedArray, which reserves a whole table.
    return fail(
        Errc::os,
        "the system refuses the address space that the limits need; raise its limit (ulimit "
        "-v, vm.overcommit_memory), or lower limits.streams_max, limits.topics_max or "
        "workers.count");
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
  // libuv ends the process if it cannot watch a descriptor, so crier checks that there is room.
  const std::size_t watches = kControlWatches + start.checked.workers * kWorkerWatches;
  if (const auto room = net::probe_watches(watches); !room) return std::unexpected(room.error());

  std::unique_ptr<Daemon> daemon(new Daemon(std::move(start)));
  if (const auto opened = daemon->open(); !opened) return std::unexpected(opened.error());
  daemon->warn_of_filters();
  daemon->say_ready();
  return daemon;
}

Result<void> Daemon::open() {
  for (const std::string& warning : start_.checked.warnings) logs_.limited.warning(warning);
  kernel_.start();
  if (auto usable = try_sockets(); !usable) return usable;
  if (auto loaded = load_journal(); !loaded) return loaded;
  make_workers();
  if (auto started = workers_->start(); !started) return started;
  if (auto opened = endpoints_->open(std::move(start_.activation.publish)); !opened) return opened;
  if (auto listening = workers_->listen(); !listening) return listening;
  show_metrics();
  return {};
}

// Tries what the preflight could not try before the kernel was tuned.
Result<void> Daemon::try_sockets() {
  if (!start_.checked.retry_sockets) return {};
  auto tried = net::try_options(sockets_.current);
  if (!tried) return std::unexpected(tried.error());
  if (!tried->warning.empty()) logs_.limited.warning(tried->warning);
  sockets_.current = std::move(tried->usable);
  return {};
}

Result<void> Daemon::load_journal() {
  broadcast::LogLoader loader(event_log_, encoder_, idempotency_);
  auto loaded = journal_.load(loader);
  log_head_ = event_log_.head();
  return loaded;
}

// It cannot go on. start() returns false at the end.
void Daemon::end_for_journal() {
  if (!journal_.may_drain()) return shutdown_.stop_now();
  if (shutdown_.serving()) shutdown_.begin();
}

std::function<Coming(std::uint64_t sequence, Instant asked)> Daemon::coming_events() {
  if (!journal_.has_other_nodes()) return nullptr;
  return [this](std::uint64_t sequence, Instant asked) { return journal_.coming(sequence, asked); };
}

void Daemon::make_workers() {
  workers_.emplace(
      WorkerSet::Parts{config_, start_.checked, start_.activation, journal_.identity().topic_key,
                       journal_.descriptors(), logs_, event_log_, frames_, counts_, log_head_,
                       memory_shortage_, [this] { wakeup_.send(); }},
      sockets_.current);
  feed_.emplace(event_log_, log_head_, workers_->links(), traces_);
  control_.emplace(Control::Parts{
      event_log_, logs_.connections, logs_.limited, logs_.sink.unfiltered(), workers_->links(),
      [this](std::size_t worker) { return workers_->row(worker); }, coming_events()});
  endpoints_.emplace(
      Endpoints::Parts{loop_, config_, logs_.limited, journal_.get(), journal_.pages(event_log_),
                       event_log_, encoder_, idempotency_, *feed_, *control_, debug_switch_,
                       traces_, memory_shortage_, [this] { return !shutdown_.serving(); },
                       [this](ReadyChecks except) { return why_not_ready(except); }});
  reloader_.emplace(Reloader::Parts{start_.file, start_.overrides, start_.activation, config_,
                                    sockets_, logs_, debug_switch_, traces_, event_log_,
                                    *endpoints_, *workers_});
  traces_.set_every(trace_every(config_));
  loop_.set_end_of_turn([this] { finish_turn(); });
  tick_.start_repeating(Control::kTickMs);
  expire_.start_repeating(1);  // Soon: what was loaded may be too old, and much of the file dead.
}

void Daemon::show_metrics() {
  MetricSources sources;
  workers_->add_sources(sources);
  sources.control_loop = &loop_.stats();
  sources.log = &event_log_.stats();
  sources.journal = journal_.metric_sources();
  sources.frames = &frames_;
  sources.kernel = &kernel_;
  sources.sockets = &sockets_;
  sources.config = &config_;
  sources.reload = &reloader_->outcome();
  sources.memory = &memory_.reading();
  sources.streams_max = &counts_.streams_max;
  sources.history_age_seconds = [this]() -> std::optional<double> {
    const auto oldest = event_log_.oldest_accepted();
    if (!oldest) return std::nullopt;
    return static_cast<double>(net::Loop::now().us - oldest->us) / 1e6;
  };
  sources.version = version();
  endpoints_->show(std::move(sources));
}

// A packet filter does not keep crier from listening: only clients would notice it.
void Daemon::warn_of_filters() {
  const auto warn = [this](std::string_view key, std::string_view value) {
    const std::string address = net::filtered_address(*net::Endpoint::parse(value));
    if (address.empty()) return;
    logs_.limited.warning(std::string(key) + " is " + std::string(value) + ", but packets to " +
                          address +
                          " are dropped, so clients cannot connect: install the unit's "
                          "drop-ins/network.conf if IPAddressDeny= does that, else look at the "
                          "firewall");
  };
  // The filter of a socket that was handed in is that of its own unit.
  if (start_.activation.http.empty()) warn("http.listen", config_.http.listen);
  warn("admin.listen", config_.admin.listen);
}

void Daemon::say_ready() {
  logs_.limited.info("ready", {{"version", version()},
                               {"workers", workers_->links().size()},
                               {"streams_max", counts_.streams_max.load()},
                               {"http", config_.http.listen},
                               {"publish", config_.publish.socket},
                               {"admin", config_.admin.listen}});
  logs_.limited.info("subscribe: " + subscribe_line(*net::Endpoint::parse(config_.http.listen)));
  logs_.limited.info("publish:   " + publish_line(config_.publish.socket));
  if (!supervisor_.present()) return;
  tell_status();
  supervisor_.ready();
  status_.start_repeating(kStatusMs);
  if (const auto ms = supervisor_.alive_interval_ms(); ms > 0) alive_.start_repeating(ms);
}

void Daemon::tell_status() {
  const std::string streams = with_thousands(counts_.streams.load());
  if (!shutdown_.serving()) {
    supervisor_.status("draining: " + streams + " streams left");
    return;
  }
  supervisor_.status("serving " + streams + " of " + with_thousands(counts_.streams_max.load()) +
                     " streams; " + with_thousands(event_log_.stats().events.read()) +
                     " events published");
}

// The end of every turn of the control loop, in order.
void Daemon::finish_turn() {
  if (journal_.lost() && !shutdown_.stopped()) {
    end_for_journal();
    if (shutdown_.stopped()) return;
  }
  journal_.flush();
  const Instant now = net::Loop::now();
  const bool more = control_->take_outboxes(now);
  if (shutdown_.serving() && memory_.is_due(now)) look_at_memory(now);
  if (endpoints_->publisher_waits() && feed_->holds(now)) return loop_.keep_awake(true);
  const bool behind = feed_->flush();
  loop_.keep_awake(more || behind);
}

void Daemon::on_tick() {
  const Instant now = net::Loop::now();
  logs_.tick(now);
  control_->tick();
  debug_switch_.tick(now);
  supervisor_.retry();
  if (!shutdown_.serving()) return;  // The workers may be gone.
  look_at_memory(now);
  const auto starved = workers_->starved_accepts();
  health_.look({.workers = starved,
                .shared = start_.activation.http_shared,
                .others = endpoints_->starved_accepts()},
               workers_->options_refused(), now);
  LimitTimes times;
  workers_->add_times(times);
  endpoints_->add_times(times);
  limit_watch_.look(times, health_.is_full(), now);
}

void Daemon::look_at_memory(Instant now) {
  memory_.look(now);
  meet_shortage(now);
}

void Daemon::read_memory(MemoryReading& reading) const {
  const broadcast::LogStats& log = event_log_.stats();
  const std::uint64_t frames = frames_.bytes.load(std::memory_order_relaxed);
  const std::uint64_t retained = log.history_frame_bytes.read();
  reading.set(MemoryPart::streams, counts_.streams.load() * config::kStreamBytes);
  reading.set(MemoryPart::history, log.history_bytes.read());
  reading.set(MemoryPart::owed_frames, frames > retained ? frames - retained : 0);
  workers_->read_memory(reading);
}

// Shrinks the history and forgets topics without events, which does the least harm. The allocator
// returns freed memory to the system only if asked.
void Daemon::meet_shortage(Instant now) {
  const bool is_short = memory_shortage_.is_at(MemoryStage::replays_wait);
  event_log_.set_idle_topic_seconds(is_short ? 0 : broadcast::kIdleTopicSeconds);
  if (!is_short) {
    event_log_.set_bytes_max(config_.history.bytes_max);
  } else if (!memory_.falls() && shrink_seconds_.over(now)) {
    event_log_.set_bytes_max(event_log_.stats().history_bytes.read() / 8 * 7);
  }
  if (is_short && trim_seconds_.over(now)) ::malloc_trim(0);
}

void Daemon::on_expire() {
  // A bounded share; the rest soon, so that publishers are not held up.
  const bool more = event_log_.expire(net::Loop::now());
  const bool surveys = journal_.survey(event_log_);
  expire_.start_repeating(more || surveys ? 1 : kExpireMs);
}

void Daemon::on_signal(int number) {
  if (number == SIGHUP) {
    if (shutdown_.serving()) supervisor_.reloading();
    reloader_->reload();
    if (shutdown_.serving()) supervisor_.ready();
  } else if (shutdown_.serving()) {
    shutdown_.begin();
    tell_status();
  } else {
    logs_.limited.info("second signal: ending at once");
    shutdown_.stop_now();
  }
}

std::string_view Daemon::why_not_ready(ReadyChecks except) const {
  using enum ReadyCheck;
  if (!shutdown_.serving() && !except.has(draining)) return "draining";
  if (memory_.reading().stage >= MemoryStage::refuse_streams && !except.has(memory)) {
    return "memory: limits.memory_max is nearly reached";
  }
  const std::string_view problem = journal_.problem();
  if (!problem.empty() && !except.has(ReadyCheck::journal)) return problem;
  return health_.why_not_ready(net::Loop::now(), except);
}

// The last step of the shutdown. The endpoints end first: their pages read what the workers own.
void Daemon::stop() {
  journal_.finish();  // If there was no drain.
  endpoints_->close();
  workers_->stop();
  while (control_->take_outboxes(net::Loop::now())) {  // Their last notes.
  }
  logs_.connections.flush();
  kernel_.finish();
  net::hold_signals(kSignals);
  logs_.limited.info("stopped");
  logs_.limited.flush();
  loop_.stop();
}

}  // namespace crier::cmd
