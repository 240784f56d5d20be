#include "cmd/client/status_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <optional>
#include <vector>

#include "cmd/log/log_sink.h"
#include "core/text/escape.h"

namespace crier::cmd {
namespace {

enum class Unit : std::uint8_t { count, bytes, latency, duration };

// One figure: where it comes from and how it is shown. A row with a label is a list instead.
struct Row {
  std::string_view key;    // In JSON.
  std::string_view title;  // For a person.
  Unit unit;
  std::string_view metric;
  std::string_view label;
  double quantile;
};

constexpr double kNoQuantile = -1;

constexpr Row kRows[] = {
    {"streams", "streams", Unit::count, "crier_stream_active_connections", "", kNoQuantile},
    {"events_published", "events published", Unit::count, "crier_events_published_total", "",
     kNoQuantile},
    {"events_delivered", "events delivered", Unit::count, "crier_events_delivered_total", "",
     kNoQuantile},
    {"chunks_sent", "chunks sent", Unit::count, "crier_stream_chunks_total", "", kNoQuantile},
    {"bytes_sent", "bytes sent", Unit::bytes, "crier_bytes_sent_total", "", kNoQuantile},
    {"latency_p50_seconds", "latency p50", Unit::latency, "crier_stream_latency_seconds", "", 0.5},
    {"latency_p99_seconds", "latency p99", Unit::latency, "crier_stream_latency_seconds", "", 0.99},
    {"history_events", "history events", Unit::count, "crier_history_events", "", kNoQuantile},
    {"history_bytes", "history size", Unit::bytes, "crier_history_bytes", "", kNoQuantile},
    {"gaps", "gaps", Unit::count, "crier_gaps_total", "reason", kNoQuantile},
    {"requests_refused", "requests refused", Unit::count, "crier_requests_refused_total", "reason",
     kNoQuantile},
    {"streams_ended", "streams ended", Unit::count, "crier_streams_ended_total", "reason",
     kNoQuantile},
    {"memory_bytes", "memory", Unit::bytes, "process_resident_memory_bytes", "", kNoQuantile},
};

std::optional<double> figure(const StatusFacts& facts, const Row& row) {
  return row.quantile < 0 ? facts.metrics.sum(row.metric)
                          : facts.metrics.quantile(row.metric, row.quantile);
}

std::optional<double> uptime(const StatusFacts& facts) {
  const auto start = facts.metrics.sum("process_start_time_seconds");
  if (!start || *start > facts.now_unix_seconds) return std::nullopt;
  return facts.now_unix_seconds - *start;
}

std::string human(Unit unit, double value) {
  switch (unit) {
    case Unit::count:
      return human_count(value);
    case Unit::bytes:
      return human_bytes(value);
    case Unit::latency:
      return human_latency(value);
    case Unit::duration:
      break;
  }
  return human_duration(value);
}

// At most two digits after the point.
std::string with_unit(double value, const char* unit) {
  std::array<char, 64> text;
  const int digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const int size = std::snprintf(text.data(), text.size(), "%.*f %s", digits, value, unit);
  return {text.data(), static_cast<std::size_t>(size)};
}

void append_line(std::string& out, std::string_view title, const std::string& value) {
  constexpr std::size_t kValueColumn = 18;
  out.append(title).append(kValueColumn - title.size(), ' ').append(value).append("\n");
}

void append_number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out.append("null");
    return;
  }
  std::array<char, 64> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), end);
}

void append_member(std::string& out, std::string_view key) {
  if (!out.ends_with('{')) out += ',';
  append_json_string(out, key);
  out += ':';
}

}  // namespace

std::string human_bytes(double bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < std::size(kUnits)) {
    bytes /= 1024;
    ++unit;
  }
  return unit == 0 ? human_count(bytes) + " B" : with_unit(bytes, kUnits[unit]);
}

std::string human_duration(double seconds) {
  constexpr std::uint64_t kDay = 86'400;
  if (!(seconds >= 0) || seconds > 1e15) return "?";
  const auto whole = static_cast<std::uint64_t>(seconds);
  const auto text = [](std::uint64_t n, const char* unit) { return std::to_string(n) + unit; };
  if (whole >= kDay) return text(whole / kDay, "d ") + text(whole % kDay / 3'600, "h");
  if (whole >= 3'600) return text(whole / 3'600, "h ") + text(whole % 3'600 / 60, "m");
  if (whole >= 60) return text(whole / 60, "m ") + text(whole % 60, "s");
  return text(whole, "s");
}

std::string human_latency(double seconds) {
  if (seconds >= 1) return with_unit(seconds, "s");
  if (seconds >= 0.001) return with_unit(seconds * 1e3, "ms");
  return with_unit(seconds * 1e6, "µs");
}

std::string human_count(double count) {
  if (!(count >= 0) || count > 9e18) return "?";
  return with_thousands(static_cast<std::uint64_t>(std::llround(count)));
}

std::string status_text(const StatusFacts& facts) {
  std::string out;
  append_line(out, "state", facts.ready ? "ready" : "not ready: " + facts.ready_detail);
  if (const auto seconds = uptime(facts))
    append_line(out, "up for", human(Unit::duration, *seconds));
  for (const Row& row : kRows) {
    const auto value = figure(facts, row);
    if (!value) continue;
    std::string text = human(row.unit, *value);
    if (!row.label.empty()) {
      std::string list;
      for (const auto& [label, count] : facts.metrics.by_label(row.metric, row.label)) {
        list.append(list.empty() ? " (" : ", ")
            .append(label)
            .append(" ")
            .append(human_count(count));
      }
      text += list.empty() ? "" : list + ")";
    }
    append_line(out, row.title, text);
  }
  return out;
}

std::string status_json(const StatusFacts& facts) {
  std::string out = "{";
  append_member(out, "ready");
  out += facts.ready ? "true" : "false";
  if (!facts.ready) {
    append_member(out, "ready_detail");
    append_json_string(out, facts.ready_detail);
  }
  if (const auto seconds = uptime(facts)) {
    append_member(out, "uptime_seconds");
    append_number(out, *seconds);
  }
  for (const Row& row : kRows) {
    const auto value = figure(facts, row);
    if (!value) continue;
    append_member(out, row.key);
    if (row.label.empty()) {
      append_number(out, *value);
      continue;
    }
    out += '{';
    for (const auto& [label, count] : facts.metrics.by_label(row.metric, row.label)) {
      append_member(out, label);
      append_number(out, count);
    }
    out += '}';
  }
  return out + "}\n";
}

}  // namespace crier::cmd
