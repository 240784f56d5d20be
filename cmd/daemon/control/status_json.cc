#include "cmd/daemon/control/status_json.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

#include "core/check.h"
#include "core/text/escape.h"
#include "metrics/reading.h"

namespace crier::cmd {
namespace {

using metrics::Family;

enum class Show : std::uint8_t { sum, by_reason, p50, p99 };

// One figure: its key and its source. cmd/client/status_text.cc has the same keys.
struct StatusRow {
  std::string_view key;
  std::string_view metric;
  Show show = Show::sum;
};

constexpr StatusRow kRows[] = {
    {"reload_successful", "crier_config_last_reload_successful"},
    {"pending_settings", "crier_config_pending_settings"},
    {"streams", "crier_stream_active_connections"},
    {"streams_max", "crier_streams_max"},
    {"events_published", "crier_events_published_total"},
    {"events_delivered", "crier_events_delivered_total"},
    {"chunks_sent", "crier_stream_chunks_total"},
    {"bytes_sent", "crier_bytes_sent_total"},
    {"latency_p50_seconds", "crier_stream_latency_seconds", Show::p50},
    {"latency_p99_seconds", "crier_stream_latency_seconds", Show::p99},
    {"publish_latency_p50_seconds", "crier_publish_latency_seconds", Show::p50},
    {"publish_latency_p99_seconds", "crier_publish_latency_seconds", Show::p99},
    {"topics", "crier_topics"},
    {"topics_max", "crier_topics_max"},
    {"history_events", "crier_history_events"},
    {"history_bytes", "crier_history_bytes"},
    {"history_bytes_max", "crier_history_bytes_max"},
    {"history_oldest_age_seconds", "crier_history_oldest_age_seconds"},
    {"gaps", "crier_gaps_total", Show::by_reason},
    {"requests_refused", "crier_requests_refused_total", Show::by_reason},
    {"streams_ended", "crier_streams_ended_total", Show::by_reason},
    {"memory_bytes", "process_resident_memory_bytes"},
};

// Integers without a point or an exponent: parsers of integers refuse 1e+06.
void append_number(std::string& out, double value) {
  constexpr double kExact = 9'007'199'254'740'992;  // 2^53
  CRIER_CHECK(std::isfinite(value));
  std::array<char, 64> digits;
  const bool integer = std::trunc(value) == value && std::abs(value) <= kExact;
  const auto [end, error] =
      integer ? std::to_chars(digits.data(), digits.data() + digits.size(),
                              static_cast<std::int64_t>(value))
              : std::to_chars(digits.data(), digits.data() + digits.size(), value);
  CRIER_CHECK(error == std::errc{});
  out.append(digits.data(), end);
}

void append_key(std::string& out, std::string_view key) {
  if (!out.ends_with('{')) out += ',';
  append_json_string(out, key);
  out += ':';
}

void append_figure(std::string& out, std::string_view key, std::optional<double> value) {
  if (!value) return;
  append_key(out, key);
  append_number(out, *value);
}

void append_row(std::string& out, const StatusRow& row, const Family& family) {
  switch (row.show) {
    case Show::sum:
      return append_figure(out, row.key, metrics::sum(family));
    case Show::p50:
      return append_figure(out, row.key, metrics::quantile(family, 0.5));
    case Show::p99:
      return append_figure(out, row.key, metrics::quantile(family, 0.99));
    case Show::by_reason:
      break;
  }
  append_key(out, row.key);
  out += '{';
  for (const auto& [reason, count] : metrics::by_label(family)) append_figure(out, reason, count);
  out += '}';
}

}  // namespace

std::string status_json(const StatusFacts& facts) {
  std::string out = "{";
  append_key(out, "ready");
  out += facts.why_not_ready.empty() ? "true" : "false";
  if (!facts.why_not_ready.empty()) {
    append_key(out, "ready_detail");
    append_json_string(out, facts.why_not_ready);
  }
  const Family* const started = facts.catalogue.find("process_start_time_seconds");
  const auto start = started == nullptr ? std::nullopt : metrics::sum(*started);
  if (start && *start <= facts.now_unix_seconds) {
    append_figure(out, "uptime_seconds", facts.now_unix_seconds - *start);
  }
  for (const StatusRow& row : kRows) {
    if (const Family* family = facts.catalogue.find(row.metric)) append_row(out, row, *family);
  }
  return out + "}\n";
}

}  // namespace crier::cmd
