#include "cmd/status/status_json.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

#include "cmd/status/figures.h"
#include "core/check.h"
#include "core/text/escape.h"
#include "metrics/reading.h"

namespace crier::cmd {
namespace {

using metrics::Family;

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

void append_row(std::string& out, const Figure& row, const Family& family) {
  using Kind = Figure::Kind;
  switch (row.kind) {
    case Kind::count:
    case Kind::bytes:
    case Kind::duration:
    case Kind::outcome:
      return append_figure(out, row.key, metrics::sum(family));
    case Kind::p50:
      return append_figure(out, row.key, metrics::quantile(family, 0.5));
    case Kind::p99:
      return append_figure(out, row.key, metrics::quantile(family, 0.99));
    case Kind::version:
      append_key(out, row.key);
      return append_json_string(out, family.series.at(0).labels.at(0).second);
    case Kind::by_reason:
    case Kind::uptime:  // It has no family.
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
  for (const Figure& row : kFigures) {
    if (row.kind == Figure::Kind::uptime) {
      append_figure(out, row.key, facts.uptime_seconds);
    } else if (const Family* family = facts.catalogue.find(row.metric)) {
      append_row(out, row, *family);
    }
  }
  return out + "}\n";
}

}  // namespace crier::cmd
