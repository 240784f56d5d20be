#include "cmd/status/top_text.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "cmd/status/status_text.h"
#include "core/text/escape.h"
#include "core/text/utf8.h"

namespace crier::cmd {
namespace {

using Sample = nlohmann::ordered_json;  // Keeps reasons and parts in the daemon's order.

const Sample& member(const Sample& object, std::string_view key) {
  static const Sample kNone;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found == object.end() ? kNone : *found;
}

std::optional<double> number(const Sample& object, std::string_view key) {
  const Sample& value = member(object, key);
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

std::string text(const Sample& object, std::string_view key) {
  const Sample& value = member(object, key);
  return value.is_string() ? escaped_for_log(value.get<std::string>()) : "";
}

std::size_t width(std::string_view line) {
  return static_cast<std::size_t>(
      std::ranges::count_if(line, [](char c) { return (c & 0xC0) != 0x80; }));
}

// `cell` in `columns` characters: cut, or filled with spaces on its left or right.
std::string fitted(std::string_view cell, std::size_t columns, bool right) {
  std::string out;
  for (std::size_t used = 0; used < columns && !cell.empty(); ++used) {
    const std::size_t bytes = utf8_step(cell).bytes;
    out.append(cell.substr(0, bytes));
    cell.remove_prefix(bytes);
  }
  const std::string space(columns - width(out), ' ');
  return right ? space + out : out + space;
}

struct Column {
  std::string_view title;
  std::size_t columns;
  bool right = true;
};

// Two samples, or one.
class Top {
 public:
  Top(const Sample& now, const Sample& before, std::string_view trouble)
      : now_(now), before_(before) {
    const auto start = number(now, "start");
    const auto seconds = number(now, "time").value_or(0) - number(before, "time").value_or(0);
    if (start && start == number(before, "start") && seconds > 0) seconds_ = seconds;
    head(trouble);
    figures();
    troubles();
    workers();
  }

  std::string shown(std::size_t columns, std::size_t rows) const {
    std::string out;
    for (std::size_t i = 0; i < std::min(lines_.size(), rows); ++i) {
      const std::string line = fitted(lines_[i], columns, false);
      out.append(line, 0, line.find_last_not_of(' ') + 1).append("\n");
    }
    return out;
  }

 private:
  // How much more by the second than at the sample before.
  std::optional<double> rate(std::optional<double> now, std::optional<double> before) const {
    if (!now || seconds_ == 0) return std::nullopt;
    return std::max(0.0, *now - before.value_or(0)) / seconds_;
  }
  std::optional<double> rate(std::string_view object, std::string_view key) const {
    return rate(number(member(now_, object), key), number(member(before_, object), key));
  }

  static std::string per_second(std::optional<double> rate) {
    return rate ? human_count(*rate) + "/s" : "-";
  }
  static std::string bytes_per_second(std::optional<double> rate) {
    return rate ? human_bytes(*rate) + "/s" : "-";
  }
  static std::string count(std::optional<double> value) {
    return value ? human_count(*value) : "-";
  }
  static std::string bytes(std::optional<double> value) {
    return value ? human_bytes(*value) : "-";
  }

  // Of what was counted since the sample before; nothing if that is nothing.
  std::optional<double> quantile(std::string_view name, double q) const {
    const Sample& now = member(member(now_, "histograms"), name);
    const Sample& before = member(member(before_, "histograms"), name);
    const Sample& bounds = member(now, "le");
    const Sample& counts = member(now, "counts");
    const Sample& earlier = member(before, "counts");
    if (seconds_ == 0 || !bounds.is_array() || !counts.is_array() || bounds.empty() ||
        counts.size() <= bounds.size()) {
      return std::nullopt;
    }
    std::vector<double> added;
    double total = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (!counts[i].is_number()) return std::nullopt;
      const bool known = earlier.is_array() && i < earlier.size() && earlier[i].is_number();
      added.push_back(counts[i].get<double>() - (known ? earlier[i].get<double>() : 0));
      total += added.back();
    }
    if (!(total > 0)) return std::nullopt;
    double below = 0;
    for (std::size_t i = 0; i < bounds.size(); ++i) {
      if (!bounds[i].is_number()) return std::nullopt;
      const double wanted = q * total - below;
      if (added[i] >= wanted && added[i] > 0) {
        const double low = i == 0 ? 0 : bounds[i - 1].get<double>();
        return low + (bounds[i].get<double>() - low) * wanted / added[i];
      }
      below += added[i];
    }
    return bounds.back().get<double>();
  }
  std::string latency(std::string_view name) const {
    const auto p50 = quantile(name, 0.5);
    const auto p99 = quantile(name, 0.99);
    return p50 && p99 ? "p50 " + human_latency(*p50) + "  p99 " + human_latency(*p99) : "-";
  }

  void head(std::string_view trouble) {
    const Sample& figures = member(now_, "figures");
    std::string line = "crier " + text(figures, "version");
    if (!trouble.empty()) {
      line.append("   ").append(trouble);
    } else if (member(now_, "ready") == true) {
      line += "   ready";
    } else {
      line += "   not ready: " + text(now_, "ready_detail");
    }
    if (const auto uptime = number(figures, "uptime_seconds")) {
      line += "   up " + human_duration(*uptime);
    }
    lines_.push_back(std::move(line));
    lines_.emplace_back();
  }

  void pair(std::string_view title, const std::string& value, std::string_view second,
            const std::string& second_value) {
    lines_.push_back(fitted(title, 11, false) + fitted(value, 27, false) +
                     fitted(second, 10, false) + second_value);
  }

  void figures() {
    const Sample& figures = member(now_, "figures");
    const auto streams_max = number(figures, "streams_max");
    const auto per_stream = number(now_, "memory_per_stream");
    pair("streams",
         count(number(figures, "streams")) + (streams_max ? " of " + count(streams_max) : ""),
         "memory",
         bytes(number(figures, "memory_bytes")) +
             (per_stream ? ", " + bytes(per_stream) + " a stream" : ""));
    pair("published", per_second(rate("figures", "events_published")), "latency",
         latency("stream_latency"));
    pair("delivered", per_second(rate("figures", "events_delivered")), "publish",
         latency("publish_latency"));
    const auto behind = quantile("lag", 0.99);
    pair("sent", bytes_per_second(rate("figures", "bytes_sent")), "behind",
         behind ? "p99 " + human_count(*behind) + " events" : "-");
  }

  // "ended      1,234 client (5/s), 3 overflow"
  void reasons(std::string_view title, std::string_view key) {
    std::string line;
    for (const auto& [reason, value] : member(now_, key).items()) {
      const auto total = number(member(now_, key), reason);
      if (!total || *total == 0) continue;
      line += (line.empty() ? "" : ", ") + human_count(*total) + " " + escaped_for_log(reason);
      if (const auto more = rate(key, reason); more && *more > 0) {
        line += " (" + per_second(std::ceil(*more)) + ")";
      }
    }
    if (!line.empty()) lines_.push_back(fitted(title, 11, false) + line);
  }

  void troubles() {
    reasons("ended", "ended");
    reasons("refused", "refused");
    reasons("gaps", "gaps");
    constexpr double kNear = 0.8;
    for (const Sample& limit : member(now_, "limits")) {
      const double used = number(limit, "now").value_or(0);
      const double max = number(limit, "max").value_or(0);
      const double reached = number(limit, "reached").value_or(0);
      if (max <= 0 || (used < kNear * max && reached == 0)) continue;
      lines_.push_back(fitted("limit", 11, false) + text(limit, "knob") + " " + count(used) +
                       " of " + count(max) +
                       (reached > 0 ? ", reached " + count(reached) + " times" : ""));
    }
    if (const std::size_t advice = member(now_, "kernel").size(); advice > 0) {
      lines_.push_back(fitted("kernel", 11, false) + count(static_cast<double>(advice)) +
                       " not as wanted: crier tune");
    }
  }

  // A table below an empty line, or nothing if it has no rows.
  void table(const std::vector<Column>& columns,
             const std::vector<std::vector<std::string>>& rows) {
    if (rows.empty()) return;
    lines_.emplace_back();
    std::vector<std::string> titles;
    for (const Column& column : columns) titles.emplace_back(column.title);
    append_row(columns, titles);
    for (const auto& row : rows) append_row(columns, row);
  }
  void append_row(const std::vector<Column>& columns, const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      line += fitted(cells[i], columns[i].columns, columns[i].right) + "  ";
    }
    lines_.push_back(std::move(line));
  }

  void workers() {
    const Sample& workers = member(now_, "workers");
    const Sample& earlier = member(before_, "workers");
    std::vector<std::vector<std::string>> rows;
    for (std::size_t i = 0; workers.is_array() && i < workers.size(); ++i) {
      const Sample& worker = workers[i];
      const bool known = earlier.is_array() && i < earlier.size();
      const Sample& before = known ? earlier[i] : member(now_, "");
      const auto of = [&](std::string_view key) {
        return rate(number(worker, key), number(before, key));
      };
      const auto busy = of("busy_seconds");
      rows.push_back({text(worker, "worker"), count(number(worker, "streams")),
                      per_second(of("delivered")), bytes_per_second(of("bytes")),
                      per_second(of("turns")), busy ? human_count(100 * *busy) + " %" : "-"});
    }
    table({{"WORKER", 6, false},
           {"STREAMS", 11},
           {"DELIVERED", 14},
           {"SENT", 13},
           {"TURNS", 11},
           {"BUSY", 6}},
          rows);
  }

  const Sample& now_;
  const Sample& before_;
  double seconds_ = 0;  // Between the two samples; 0 if `before_` is not of the same daemon.
  std::vector<std::string> lines_;
};

}  // namespace

Result<std::string> top_text(const TopSamples& samples, std::size_t columns, std::size_t rows) {
  const Sample now = Sample::parse(samples.now, nullptr, false);
  const Sample before = Sample::parse(samples.before, nullptr, false);
  if (!member(now, "figures").is_object()) {
    return fail(Errc::bad_request, "the answer is not a sample; is this crier's admin endpoint?");
  }
  return Top(now, before, samples.trouble).shown(columns, rows);
}

}  // namespace crier::cmd
