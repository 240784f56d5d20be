#include "cmd/status/sample_json.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>

#include "cmd/status/json_parts.h"
#include "core/check.h"
#include "metrics/reading.h"

namespace crier::cmd {
namespace {

using metrics::Catalogue;
using metrics::Family;

struct Named {
  std::string_view key;
  std::string_view metric;
};

constexpr Named kHistograms[] = {
    {"stream_latency", "crier_stream_latency_seconds"},
    {"publish_latency", "crier_publish_latency_seconds"},
    {"open", "crier_stream_opening_seconds"},
    {"resume", "crier_stream_resume_seconds"},
    {"fanout", "crier_topic_fanout_seconds"},
    {"lag", "crier_stream_lag_events"},
    {"lag_age", "crier_stream_lag_seconds"},
    {"worker_turn", "crier_worker_turn_seconds"},
    {"control_turn", "crier_control_turn_seconds"},
};

constexpr Named kByReason[] = {
    {"ended", "crier_streams_ended_total"},
    {"refused", "crier_requests_refused_total"},
    {"gaps", "crier_gaps_total"},
    {"evicted", "crier_history_evicted_total"},
};

// The parts of the memory's account that grow with the streams.
constexpr std::string_view kPartsOfStreams[] = {"streams", "rings", "owed_frames", "sockets"};

// A family, or its series with one value of its label.
struct Term {
  std::string_view metric = {};
  std::string_view label = {};  // Empty: all series.
};

// A limit, and the metrics that it is read from. A row whose `max` is 0 is left out.
struct LimitRow {
  std::string_view knob;
  Term now;
  Term max;
  Term reached = {};      // How often it turned something away or cut it short.
  Term reached_too = {};  // Added to `reached`.
  Term now_without = {};  // Subtracted from `now`.
};

constexpr LimitRow kLimits[] = {
    {"limits.streams_max",
     {"crier_stream_active_connections"},
     {"crier_streams_max"},
     {"crier_requests_refused_total", "streams_max"}},
    {"limits.topics_max",
     {"crier_topics"},
     {"crier_topics_max"},
     {"crier_requests_refused_total", "topics_max"},
     {"crier_history_evicted_total", "topics"}},
    {"limits.owed_total_bytes_max",
     {"crier_frame_bytes"},
     {"crier_owed_total_bytes_max"},
     {"crier_overflows_of_all_total"},
     {},
     {"crier_history_frame_bytes"}},
    {"limits.memory_max", {"crier_memory_bytes"}, {"crier_memory_max_bytes"}},
    {"history.bytes_max",
     {"crier_history_bytes"},
     {"crier_history_bytes_max"},
     {"crier_history_evicted_total", "total-bytes"}},
    {"publish.connections_max",
     {"crier_publish_connections_open"},
     {"crier_publish_connections_max"},
     {"crier_publish_connections_refused_total"},
     {"crier_publish_connections_displaced_total"}},
    {"LimitNOFILE", {"process_open_fds"}, {"process_max_fds"}},
};

std::optional<double> value_of(const Catalogue& catalogue, const Term& term) {
  const Family* const family = catalogue.find(term.metric);
  if (family == nullptr) return std::nullopt;
  if (term.label.empty()) return metrics::sum(*family);
  for (const metrics::Series& series : family->series) {
    if (series.labels.at(0).second == term.label) return metrics::read(series);
  }
  return std::nullopt;
}

void append_histogram(std::string& out, std::string_view key, const Family& family) {
  const metrics::HistogramValues values = metrics::read_histogram(family);
  append_json_key(out, key);
  out += "{\"le\":[";
  for (const std::uint64_t bound : family.bounds) {
    if (!out.ends_with('[')) out += ',';
    append_json_number(out, static_cast<double>(bound) / family.units);
  }
  out += "],\"counts\":[";
  for (const std::uint64_t count : values.buckets) {
    if (!out.ends_with('[')) out += ',';
    append_json_number(out, static_cast<double>(count));
  }
  out += ']';
  append_json_member(out, "sum", static_cast<double>(values.sum) / family.units);
  out += '}';
}

void append_histograms(std::string& out, const Catalogue& catalogue) {
  append_json_key(out, "histograms");
  out += '{';
  for (const Named& row : kHistograms) {
    if (const Family* family = catalogue.find(row.metric)) append_histogram(out, row.key, *family);
  }
  out += '}';
}

void append_memory(std::string& out, const Catalogue& catalogue) {
  const Family* const family = catalogue.find("crier_memory_bytes");
  if (family == nullptr) return;
  double of_streams = 0;
  append_json_key(out, "memory");
  out += '{';
  for (const metrics::Series& series : family->series) {
    const std::string& part = series.labels.at(0).second;
    const auto bytes = metrics::read(series);
    append_json_member(out, part, bytes);
    const bool grows = std::ranges::find(kPartsOfStreams, part) != std::end(kPartsOfStreams);
    if (grows) of_streams += bytes.value_or(0);
  }
  out += '}';
  const auto streams = value_of(catalogue, {"crier_stream_active_connections"});
  if (!streams || *streams == 0) return;
  append_json_member(out, "memory_per_stream", std::round(of_streams / *streams));
}

void append_workers(std::string& out, std::span<const WorkerFigures> workers) {
  append_json_key(out, "workers");
  out += '[';
  for (const WorkerFigures& worker : workers) {
    out += out.ends_with('[') ? "{" : ",{";
    append_json_text(out, "worker", worker.name);
    append_json_member(out, "streams", static_cast<double>(worker.streams));
    append_json_member(out, "delivered", static_cast<double>(worker.delivered));
    append_json_member(out, "bytes", static_cast<double>(worker.bytes));
    append_json_member(out, "turns", static_cast<double>(worker.turns));
    append_json_member(out, "busy_seconds", worker.busy_seconds);
    out += '}';
  }
  out += ']';
}

void append_kernel(std::string& out, std::span<const KernelAdvice> kernel) {
  append_json_key(out, "kernel");
  out += '[';
  for (const KernelAdvice& advice : kernel) {
    out += out.ends_with('[') ? "{" : ",{";
    append_json_text(out, "setting", advice.setting);
    append_json_text(out, "now", advice.now);
    append_json_text(out, "wanted", advice.wanted);
    append_json_text(out, "command", advice.command);
    out += '}';
  }
  out += ']';
}

void append_limits(std::string& out, const Catalogue& catalogue, const AcceptQueue& queue) {
  append_json_key(out, "limits");
  out += '[';
  for (const LimitRow& row : kLimits) {
    const auto now = value_of(catalogue, row.now);
    const auto max = value_of(catalogue, row.max);
    if (!now || !max || *max == 0) continue;
    out += out.ends_with('[') ? "{" : ",{";
    append_json_text(out, "knob", row.knob);
    const double without = value_of(catalogue, row.now_without).value_or(0);
    append_json_member(out, "now", std::max(0.0, *now - without));
    append_json_member(out, "max", max);
    if (const auto reached = value_of(catalogue, row.reached)) {
      append_json_member(out, "reached",
                         *reached + value_of(catalogue, row.reached_too).value_or(0));
    }
    out += '}';
  }
  if (queue.max > 0) {  // Not from the catalogue, whose values are sums of all workers.
    out += out.ends_with('[') ? "{" : ",{";
    append_json_text(out, "knob", "http.backlog");
    append_json_member(out, "now", static_cast<double>(queue.waiting));
    append_json_member(out, "max", static_cast<double>(queue.max));
    out += '}';
  }
  out += ']';
}

double in_hundredths(double value) {
  return std::round(value * 100) / 100;
}

void append_topics(std::string& out, std::span<const TopicFigures> topics) {
  append_json_key(out, "topics");
  out += '[';
  for (const TopicFigures& topic : topics) {
    out += out.ends_with('[') ? "{" : ",{";
    append_json_text(out, "topic", topic.topic);
    append_json_member(out, "events_per_second", in_hundredths(topic.events_per_second));
    if (topic.streams) {
      const auto streams = static_cast<double>(*topic.streams);
      append_json_member(out, "streams", streams);
      append_json_member(out, "deliveries_per_second",
                         in_hundredths(topic.events_per_second * streams));
    }
    out += '}';
  }
  out += ']';
}

void append_lagging(std::string& out, std::span<const LaggingFigures> streams) {
  append_json_key(out, "lagging");
  out += '[';
  for (const LaggingFigures& stream : streams) {
    out += out.ends_with('[') ? "{" : ",{";
    append_json_member(out, "worker", stream.worker);
    append_json_text(out, "address", stream.address);
    append_json_text(out, "topic", stream.topic);
    append_json_member(out, "topics", static_cast<double>(stream.topics));
    append_json_text(out, "trace_id", stream.trace_id);
    append_json_member(out, "lag_events", stream.lag_events);
    append_json_member(out, "lag_seconds", stream.lag_seconds);
    append_json_member(out, "owed_bytes", static_cast<double>(stream.owed_bytes));
    out += '}';
  }
  out += ']';
}

}  // namespace

std::string sample_json(const SampleFacts& facts) {
  const Catalogue& catalogue = facts.catalogue;
  std::string out = "{";
  append_json_member(out, "time", std::round(facts.now_unix_seconds * 1e3) / 1e3);
  append_json_member(out, "start", value_of(catalogue, {"process_start_time_seconds"}));
  append_json_readiness(out, facts.why_not_ready);
  append_json_key(out, "figures");
  out += '{';
  append_json_figures(out, catalogue, facts.uptime_seconds);
  out += '}';
  append_histograms(out, catalogue);
  append_memory(out, catalogue);
  append_workers(out, facts.workers);
  for (const Named& row : kByReason) {
    if (const Family* family = catalogue.find(row.metric)) {
      append_json_by_label(out, row.key, *family);
    }
  }
  append_kernel(out, facts.kernel);
  append_limits(out, catalogue, facts.accept_queue);
  if (facts.topics) append_topics(out, *facts.topics);
  if (facts.lagging) append_lagging(out, *facts.lagging);
  append_json_key(out, "tail");
  out += facts.tail ? "true" : "false";
  append_json_key(out, "publish");
  out += facts.publish ? "true}" : "false}";
  CRIER_CHECK(out.size() < kSampleBytesMax);
  return out;
}

}  // namespace crier::cmd
