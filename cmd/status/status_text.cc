#include "cmd/status/status_text.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cmd/log/log_sink.h"
#include "cmd/status/figures.h"

namespace crier::cmd {
namespace {

using Json = nlohmann::ordered_json;  // Keeps reasons in the daemon's order.

std::string human(Figure::Kind kind, double value) {
  using Kind = Figure::Kind;
  switch (kind) {
    case Kind::bytes:
      return human_bytes(value);
    case Kind::p50:
    case Kind::p99:
      return human_latency(value);
    case Kind::duration:
    case Kind::uptime:
      return human_duration(value);
    case Kind::outcome:
      return value == 1 ? "successful" : "refused: the log says why";
    case Kind::count:
    case Kind::by_reason:
    case Kind::version:
      break;
  }
  return human_count(value);
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

// A text, a figure, perhaps with its bound, or figures by reason: "5 (overflow 3, evicted 2)".
std::string shown(const Figure& row, const Json& value, const Json& figures) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) {
    const auto max = figures.find(row.max_key);
    const bool bounded = max != figures.end() && max->is_number();
    return human(row.kind, value.get<double>()) +
           (bounded ? " of " + human(row.kind, max->get<double>()) : "");
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
  for (const Figure& row : kFigures) {
    const auto value = figures.find(row.key);
    if (value == figures.end() || row.title.empty()) continue;
    const bool is_text = row.kind == Figure::Kind::version && value->is_string();
    if (!is_text && !value->is_number() && !value->is_object()) continue;
    if (row.hidden_if_zero && *value == 0) continue;
    append_line(out, row.title, shown(row, *value, figures));
  }
  return out;
}

}  // namespace crier::cmd
