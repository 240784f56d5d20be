#include "cmd/client/status_text.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cmd/log/log_sink.h"

namespace crier::cmd {
namespace {

using Json = nlohmann::ordered_json;  // Keeps reasons in the daemon's order.

enum class Unit : std::uint8_t { count, bytes, latency, duration, outcome };

// One figure of /status. Its key is also in cmd/daemon/control/status_json.cc.
struct Row {
  std::string_view key;
  std::string_view title;
  Unit unit = Unit::count;
  std::string_view max_key = {};  // Of its bound, if that is shown: "5 of 8".
};

constexpr Row kRows[] = {
    {"uptime_seconds", "up for", Unit::duration},
    {"reload_successful", "last reload", Unit::outcome},
    {"pending_settings", "need a restart"},
    {"streams", "streams", Unit::count, "streams_max"},
    {"events_published", "events published"},
    {"events_delivered", "events delivered"},
    {"chunks_sent", "chunks sent"},
    {"bytes_sent", "bytes sent", Unit::bytes},
    {"latency_p50_seconds", "latency p50", Unit::latency},
    {"latency_p99_seconds", "latency p99", Unit::latency},
    {"publish_latency_p50_seconds", "publish p50", Unit::latency},
    {"publish_latency_p99_seconds", "publish p99", Unit::latency},
    {"topics", "topics", Unit::count, "topics_max"},
    {"history_events", "history events"},
    {"history_bytes", "history size", Unit::bytes, "history_bytes_max"},
    {"history_oldest_age_seconds", "oldest event", Unit::duration},
    {"gaps", "gaps"},
    {"requests_refused", "requests refused"},
    {"streams_ended", "streams ended"},
    {"memory_bytes", "memory", Unit::bytes},
};

std::string human(Unit unit, double value) {
  switch (unit) {
    case Unit::count:
      return human_count(value);
    case Unit::bytes:
      return human_bytes(value);
    case Unit::latency:
      return human_latency(value);
    case Unit::duration:
      return human_duration(value);
    case Unit::outcome:
      break;
  }
  return value == 1 ? "successful" : "refused: the log says why";
}

// `value` with at most two digits after the point.
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

// A figure, perhaps with its bound, or figures by reason: "5 (overflow 3, evicted 2)".
std::string shown(const Row& row, const Json& value, const Json& figures) {
  if (value.is_number()) {
    const auto max = figures.find(row.max_key);
    const bool bounded = max != figures.end() && max->is_number();
    return human(row.unit, value.get<double>()) +
           (bounded ? " of " + human(row.unit, max->get<double>()) : "");
  }
  double sum = 0;
  std::string list;
  for (const auto& [reason, count] : value.items()) {
    if (!count.is_number()) continue;
    sum += count.get<double>();
    list.append(list.empty() ? " (" : ", ").append(reason).append(" ");
    list += human_count(count.get<double>());
  }
  return human_count(sum) + (list.empty() ? "" : list + ")");
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

Result<std::string> status_text(std::string_view status) {
  const Json figures = Json::parse(status, nullptr, false);
  const auto ready = figures.find("ready");
  if (!figures.is_object() || ready == figures.end() || !ready->is_boolean()) {
    return fail(Errc::bad_request, "the answer is not a status; is this crier's admin endpoint?");
  }
  const auto detail = figures.find("ready_detail");
  const bool told = detail != figures.end() && detail->is_string();
  std::string out;
  append_line(out, "state",
              *ready ? "ready" : "not ready: " + (told ? detail->get<std::string>() : "?"));
  for (const Row& row : kRows) {
    const auto value = figures.find(row.key);
    if (value == figures.end() || !(value->is_number() || value->is_object())) continue;
    append_line(out, row.title, shown(row, *value, figures));
  }
  return out;
}

}  // namespace crier::cmd
