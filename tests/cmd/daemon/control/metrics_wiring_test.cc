#include "cmd/daemon/control/metrics_wiring.h"

#include <atomic>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/status/status_json.h"
#include "metrics/exporter.h"
#include "tests/cmd/command_support.h"
#include "tests/cmd/daemon/control/metric_samples.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using broadcast::EndReason;
using broadcast::GapReason;

using Catch::Matchers::EndsWith;

// The counters of a daemon with two workers.
struct Counters {
  broadcast::WorkerStats workers[2];
  net::LoopStats loops[3];  // The last one is control's.
  RefusalCounts refusals[2];
  net::PendingCounters pending[2];
  net::ListenerCounters listeners[2];
  broadcast::LogStats log;
  JournalStats journal;
  FrameAccount frames;
  net::HttpServerCounters publish;
  PublishCounters publishing;
  net::HttpServerCounters admin;
  RecordingSink lines;
  mutable KernelTuner kernel{{}, {}, lines};
  net::SocketPlan sockets;
  config::Config config;
  ReloadOutcome reload;
  MemoryReading memory;
  bool ready = false;
  std::atomic<std::uint32_t> streams_max{0};
  std::optional<double> history_age_seconds;

  metrics::Catalogue catalogue() const {
    kernel.look();
    metrics::Catalogue made =
        make_catalogue({.workers = {&workers[0], &workers[1]},
                        .worker_loops = {&loops[0], &loops[1]},
                        .refusals = {&refusals[0], &refusals[1]},
                        .pending = {&pending[0], &pending[1]},
                        .listeners = {&listeners[0], &listeners[1]},
                        .control_loop = &loops[2],
                        .log = &log,
                        .journal = {.stats = &journal},
                        .frames = &frames,
                        .publish = &publish,
                        .publishing = &publishing,
                        .admin = &admin,
                        .kernel = &kernel,
                        .sockets = &sockets,
                        .config = &config,
                        .reload = &reload,
                        .memory = &memory,
                        .ready = [this] { return ready; },
                        .streams_max = &streams_max,
                        .history_age_seconds = [this] { return history_age_seconds; },
                        .version = "1.2.3"});
    made.refresh({});
    return made;
  }
  Samples read() const { return Samples(metrics::render(catalogue())); }
};

TEST_CASE("each metric is the sum of all workers") {
  Counters counters;
  counters.workers[0].streams.set(3);
  counters.workers[1].streams.set(4);
  counters.workers[1].events_delivered.add(9);
  counters.workers[0].ended[static_cast<std::size_t>(EndReason::stalled)].add(5);
  counters.workers[1].gaps[static_cast<std::size_t>(GapReason::unknown_id)].add(2);
  counters.workers[1].blocked_by_rate.add(6);
  counters.log.events.add(7);
  counters.frames.bytes = 123;
  for (auto& worker : counters.workers) worker.in_state[1].set(5);
  const Samples text = counters.read();
  CHECK(labelled(text, "crier_streams", "owing", "state") == 10);
  CHECK(text.sum("crier_stream_active_connections") == 7);
  CHECK(text.sum("crier_events_delivered_total") == 9);
  CHECK(labelled(text, "crier_streams_ended_total", "stalled") == 5);
  CHECK(labelled(text, "crier_streams_ended_total", "client_closed") == 0);
  CHECK(labelled(text, "crier_gaps_total", "unknown-id") == 2);
  CHECK(labelled(text, "crier_write_blocked_total", "rate") == 6);
  CHECK(text.sum("crier_events_published_total") == 7);
  CHECK(text.sum("crier_frame_bytes") == 123);
  CHECK(text.samples().front().label("version") == "1.2.3");
}

TEST_CASE("a refusal counts once, wherever it was made") {
  Counters counters;
  counters.refusals[0].add(RefusalReason::malformed);
  counters.pending[1].refused_malformed.add(10);
  counters.refusals[1].add(RefusalReason::draining);
  counters.listeners[1].shed.add(4);
  counters.pending[0].turned_away.add(3);
  counters.pending[0].evicted.add(8);
  const Samples text = counters.read();
  CHECK(labelled(text, "crier_requests_refused_total", "malformed") == 11);
  CHECK(labelled(text, "crier_requests_refused_total", "draining") == 1);
  CHECK(labelled(text, "crier_requests_refused_total", "no_descriptors") == 4);
  CHECK(labelled(text, "crier_requests_refused_total", "pending_full") == 8);
  CHECK(labelled(text, "crier_requests_refused_total", "breaker_at_accept") == 3);
  CHECK(text.sum("crier_requests_refused_total") == 27);
}

TEST_CASE("refused publishes are counted by their reason") {
  Counters counters;
  counters.publishing.refused[static_cast<std::size_t>(PublishRefusal::too_large)].add(3);
  counters.publishing.refused[static_cast<std::size_t>(PublishRefusal::head)].add(2);
  counters.publishing.replayed.add(4);
  counters.publish.displaced.add(5);
  const Samples text = counters.read();
  CHECK(labelled(text, "crier_publish_refused_total", "too_large") == 3);
  CHECK(labelled(text, "crier_publish_refused_total", "key_reused") == 0);
  CHECK(text.sum("crier_publish_refused_total") == 5);
  CHECK(text.sum("crier_publish_replayed_total") == 4);
  CHECK(text.sum("crier_publish_connections_displaced_total") == 5);
}

TEST_CASE("each bound is shown as it is now") {
  Counters counters;
  counters.config.history.bytes_max = 5'000;
  counters.config.limits.topics_max = 7;
  counters.config.publish.connections_max = 8;
  counters.config.limits.owed_total_bytes_max = 9'000;
  counters.streams_max = 6;
  const metrics::Catalogue catalogue = counters.catalogue();
  const auto read = [&] { return Samples(metrics::render(catalogue)); };
  CHECK(read().sum("crier_streams_max") == 6);
  CHECK(read().sum("crier_topics_max") == 7);
  CHECK(read().sum("crier_publish_connections_max") == 8);
  CHECK(read().sum("crier_owed_total_bytes_max") == 9'000);
  CHECK(read().sum("crier_history_bytes_max") == 5'000);
  counters.config.history.bytes_max = 4'000;  // As a reload does.
  CHECK(read().sum("crier_history_bytes_max") == 4'000);
}

TEST_CASE("what the memory is made of, and how short it is, are metrics") {
  Counters counters;
  counters.memory.set(MemoryPart::history, 500);
  counters.memory.set(MemoryPart::sockets, 20);
  counters.memory.set_anonymous(800);
  counters.memory.limit = 1'000;
  counters.memory.stage = MemoryStage::end_streams;
  const Samples text = counters.read();
  for (const Sample& sample : text.samples()) {
    if (sample.name != "crier_memory_bytes") continue;
    CAPTURE(sample.labels);
    const std::string_view part = sample.label("part");
    CHECK(sample.value == (part == "history"   ? 500
                           : part == "other"   ? 300
                           : part == "sockets" ? 20
                                               : 0));
  }
  CHECK(text.sum("crier_memory_bytes") == 820);
  CHECK(text.sum("crier_memory_max_bytes") == 1'000);
  CHECK(text.sum("crier_memory_stage") == 4);
}

TEST_CASE("the outcome of the last reload is a metric") {
  Counters counters;
  counters.reload = {.successful = true, .success_unix_seconds = 1e9, .pending = 2};
  CHECK(counters.read().sum("crier_config_last_reload_successful") == 1);
  CHECK(counters.read().sum("crier_config_pending_settings") == 2);
  counters.reload.successful = false;
  CHECK(counters.read().sum("crier_config_last_reload_successful") == 0);
  CHECK(counters.read().sum("crier_config_last_reload_success_timestamp_seconds") == 1e9);
}

TEST_CASE("whether crier accepts streams is a metric") {
  Counters counters;
  CHECK(counters.read().sum("crier_ready") == 0);
  counters.ready = true;
  CHECK(counters.read().sum("crier_ready") == 1);
}

TEST_CASE("the age of the oldest event is there while there is one") {
  Counters counters;
  CHECK_FALSE(counters.read().sum("crier_history_oldest_age_seconds"));
  counters.history_age_seconds = 1.5;
  CHECK(counters.read().sum("crier_history_oldest_age_seconds") == 1.5);
}

TEST_CASE("kernel parameters in force are metrics, number by number") {
  const Samples text = Counters().read();
  int numbers = 0;
  for (const Sample& sample : text.samples()) {
    if (sample.label("name") == "net.ipv4.ip_local_port_range") ++numbers;
    if (sample.label("name") == "RLIMIT_NOFILE") CHECK(sample.value > 0);
  }
  CHECK(numbers == 2);
  CHECK(text.sum("crier_kernel_parameters_below").has_value());
}

// The counters of a struct, up to `end` if other members follow them.
template <typename Struct>
std::span<Counter> counters_of(Struct& all, const void* end = nullptr) {
  static_assert(sizeof(Struct) % sizeof(Counter) == 0);
  auto* const first = reinterpret_cast<Counter*>(&all);
  const auto* const last =
      end == nullptr ? first + sizeof(Struct) / sizeof(Counter) : static_cast<const Counter*>(end);
  return {first, static_cast<std::size_t>(last - first)};
}

// The sum of all crier's samples. The kernel's numbers are left out: beside them a change of 1
// would be lost to rounding.
double sum_of_all(const Samples& text) {
  double sum = 0;
  for (const Sample& sample : text.samples()) {
    const bool ours = sample.name.starts_with("crier_");
    if (ours && !sample.name.starts_with("crier_kernel_")) sum += sample.value;
  }
  return sum;
}

TEST_CASE("every counter is shown by a metric") {
  Counters counters;
  // Counters that metrics take from elsewhere: accepted connections from PendingCounters, requests
  // answered by on_http_refused() from PublishCounters.
  const std::set<const Counter*> elsewhere = {
      &counters.listeners[0].accepted, &counters.publish.refused, &counters.publish.timeouts};
  // Shown as the sum of all workers, and by worker.
  const Counter* const twice = &counters.workers[0].events_delivered;
  for (const auto& all : {counters_of(counters.workers[0], &counters.workers[0].latency),
                          counters_of(counters.refusals[0]), counters_of(counters.pending[0]),
                          counters_of(counters.listeners[0]), counters_of(counters.log),
                          counters_of(counters.publish),
                          counters_of(counters.publishing, &counters.publishing.latency)}) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      CAPTURE(all.size(), i);
      const double before = sum_of_all(counters.read());
      all[i].add();
      const double shown = sum_of_all(counters.read()) - before;
      CHECK(shown == (elsewhere.contains(&all[i]) ? 0 : &all[i] == twice ? 2 : 1));
    }
  }
}

TEST_CASE("latencies are microseconds and durations milliseconds, both shown in seconds") {
  Counters counters;
  counters.workers[0].latency.observe(1'500);
  counters.workers[1].latency.observe(500);
  counters.workers[1].duration.observe(90'000);
  counters.publishing.latency.observe(2'000);
  const Samples text = counters.read();
  CHECK(text.sum("crier_stream_latency_seconds_sum") == 0.002);
  CHECK(text.sum("crier_stream_latency_seconds_count") == 2);
  CHECK(text.sum("crier_stream_duration_seconds_sum") == 90);
  CHECK(text.sum("crier_publish_latency_seconds_sum") == 0.002);
  for (const Sample& sample : text.samples()) {
    if (sample.name == "crier_stream_latency_seconds_bucket") {
      CAPTURE(sample.label("le"));
      const double bound = std::stod(std::string(sample.label("le")));
      CHECK(sample.value == (bound < 0.0005 ? 0 : bound < 0.0015 ? 1 : 2));
    }
  }
}

TEST_CASE("lag and round trip are in the unit of their metric, over all workers") {
  Counters counters;
  counters.workers[0].lag.observe(2);
  counters.workers[1].lag.observe(40);
  counters.workers[1].lag_age.observe(1'500);
  counters.workers[0].round_trip.observe(20'001);
  counters.workers[1].unsent.observe(3'000);
  const Samples text = counters.read();
  CHECK(text.sum("crier_stream_lag_events_sum") == 42);
  CHECK(text.sum("crier_stream_lag_seconds_sum") == 1.5);
  CHECK(text.sum("crier_stream_round_trip_seconds_sum") == 0.020001);
  CHECK(text.sum("crier_stream_unsent_bytes_sum") == 3'000);
}

TEST_CASE("two parsers that disagree are seen wherever it happens") {
  Counters counters;
  counters.pending[1].parser_disagreements.add();
  counters.publish.parsers_disagreed.add();
  counters.admin.parsers_disagreed.add();
  CHECK(counters.read().sum("crier_parser_disagreement_total") == 3);
}

TEST_CASE("the metrics are named as Prometheus asks, and few") {
  const Counters counters;
  const metrics::Catalogue catalogue = counters.catalogue();
  CHECK(catalogue.samples() > 50);
  CHECK(catalogue.samples() <= 500);
  for (const metrics::Family& family : catalogue.families()) {
    CAPTURE(family.name);
    CHECK((family.name.starts_with("crier_") || family.name.starts_with("process_")));
    CHECK(family.help.ends_with('.'));
    if (family.kind == metrics::Kind::histogram) {
      CHECK_THAT(family.name, EndsWith("_seconds") || EndsWith("_bytes") || EndsWith("_events"));
    }
    std::set<metrics::Labels> distinct;
    for (const metrics::Series& series : family.series) distinct.insert(series.labels);
    CHECK(distinct.size() == family.series.size());
  }
}

TEST_CASE("the status has every figure") {
  Counters counters;
  counters.streams_max = 9;
  counters.history_age_seconds = 60;
  counters.workers[0].streams.set(3);
  counters.workers[1].streams.set(4);
  counters.workers[0].latency.observe(500);
  counters.publishing.latency.observe(500);
  counters.workers[0].gaps[static_cast<std::size_t>(GapReason::unknown_id)].add(2);
  counters.refusals[0].add(RefusalReason::draining);
  counters.workers[1].ended[static_cast<std::size_t>(EndReason::stalled)].add(5);
  const auto status = nlohmann::json::parse(status_json(
      {.catalogue = counters.catalogue(), .why_not_ready = "draining", .uptime_seconds = 12.5}));
  std::istringstream keys(
      "ready ready_detail version uptime_seconds streams events_published events_delivered "
      "chunks_sent bytes_sent latency_p50_seconds latency_p99_seconds history_events history_bytes "
      "gaps requests_refused streams_ended memory_bytes streams_max topics topics_max "
      "history_bytes_max reload_successful pending_settings history_oldest_age_seconds "
      "publish_latency_p50_seconds publish_latency_p99_seconds journal_bytes");
  std::string missing;
  for (std::string key; keys >> key;) missing += status.contains(key) ? "" : key + " ";
  CHECK(missing == "");
  CHECK(status.size() == 27);
  CHECK(status["streams"] == 7);
  CHECK(status["streams_max"] == 9);
  CHECK(status["gaps"] == nlohmann::json{{"unknown-id", 2}});
  CHECK(status["requests_refused"] == nlohmann::json{{"draining", 1}});
  CHECK(status["streams_ended"] == nlohmann::json{{"stalled", 5}});
  CHECK(status["memory_bytes"] > 1'000'000);
  CHECK(status["uptime_seconds"] == 12.5);
}

}  // namespace
}  // namespace crier::cmd
