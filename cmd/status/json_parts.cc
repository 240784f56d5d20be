#include "cmd/status/json_parts.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "cmd/status/figures.h"
#include "core/check.h"
#include "core/text/escape.h"
#include "metrics/reading.h"

namespace crier::cmd {

void append_json_number(std::string& out, double value) {
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

void append_json_key(std::string& out, std::string_view key) {
  if (!out.ends_with('{')) out += ',';
  append_json_string(out, key);
  out += ':';
}

void append_json_text(std::string& out, std::string_view key, std::string_view value) {
  append_json_key(out, key);
  append_json_string(out, value);
}

void append_json_member(std::string& out, std::string_view key, std::optional<double> value) {
  if (!value) return;
  append_json_key(out, key);
  append_json_number(out, *value);
}

void append_json_by_label(std::string& out, std::string_view key, const metrics::Family& family) {
  append_json_key(out, key);
  out += '{';
  for (const auto& [label, value] : metrics::by_label(family)) {
    append_json_member(out, label, value);
  }
  out += '}';
}

void append_json_readiness(std::string& out, std::string_view why_not) {
  append_json_key(out, "ready");
  out += why_not.empty() ? "true" : "false";
  if (!why_not.empty()) append_json_text(out, "ready_detail", why_not);
}

namespace {

void append_row(std::string& out, const Figure& row, const metrics::Family& family) {
  using Kind = Figure::Kind;
  switch (row.kind) {
    case Kind::count:
    case Kind::bytes:
    case Kind::duration:
    case Kind::outcome:
      return append_json_member(out, row.key, metrics::sum(family));
    case Kind::p50:
      return append_json_member(out, row.key, metrics::quantile(family, 0.5));
    case Kind::p99:
      return append_json_member(out, row.key, metrics::quantile(family, 0.99));
    case Kind::version:
      return append_json_text(out, row.key, family.series.at(0).labels.at(0).second);
    case Kind::by_reason:
      return append_json_by_label(out, row.key, family);
    case Kind::uptime:  // It has no family.
      break;
  }
}

}  // namespace

void append_json_figures(std::string& out, const metrics::Catalogue& catalogue,
                         double uptime_seconds) {
  for (const Figure& row : kFigures) {
    if (row.kind == Figure::Kind::uptime) {
      append_json_member(out, row.key, uptime_seconds);
    } else if (const auto* family = catalogue.find(row.metric)) {
      append_row(out, row, *family);
    }
  }
}

}  // namespace crier::cmd
