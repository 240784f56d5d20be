#include "cmd/bench/report.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "cmd/bench/page.h"
#include "cmd/client/terminal.h"
#include "cmd/status/status_text.h"

namespace crier::bench {
namespace {

using cmd::human_count;
using cmd::human_latency;
using config::Json;

constexpr std::string_view kDataBegin = R"(<script id="report" type="application/json">)";
constexpr std::string_view kDataEnd = "</script>";

const Json& at(const Json& report, const char* path) {
  static const Json kMissing;
  const Json::json_pointer pointer(path);
  return report.contains(pointer) ? report.at(pointer) : kMissing;
}

double number(const Json& report, const char* path) {
  const Json& value = at(report, path);
  return value.is_number() ? value.get<double>() : 0;
}

std::string count(const Json& report, const char* path) {
  return human_count(number(report, path));
}

std::string latency(const Json& report, const char* path) {
  return human_latency(number(report, path) / 1e3);
}

std::string decimal(double value, int digits) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

void append_line(std::string& out, std::string_view title, const std::string& text) {
  constexpr std::size_t kColumn = 12;
  out.append(title).append(kColumn - title.size(), ' ').append(text).append("\n");
}

std::string server_text(const Json& report) {
  const Json& server = at(report, "/server");
  if (!server.contains("cpu_seconds")) {
    const Json& why = at(server, "/no_figures");
    return "no CPU, no memory: " + (why.is_string() ? why.get<std::string>() : "unknown process");
  }
  return "CPU " + human_latency(number(server, "/cpu_seconds")) + ", " +
         human_latency(number(server, "/cpu_us_per_delivery") / 1e6) + " a delivery; memory " +
         cmd::human_bytes(number(server, "/memory_bytes_open")) + ", " +
         decimal(number(server, "/memory_bytes_per_stream"), 0) + " B a stream";
}

// A search that was interrupted may have found nothing, and the run after it may contradict it.
void append_search(std::string& out, const Report& whole) {
  const Json& report = whole.json;
  bool found = false;
  for (const Json& probe : at(report, "/search")) {
    append_line(out, "searched",
                count(probe, "/rate") + " events/s" +
                    (at(probe, "/repeated") == true ? ", again" : "") + ": p99 " +
                    latency(probe, "/p99_ms") +
                    (at(probe, "/whole") == true ? "" : ", events were lost") +
                    (at(probe, "/fast") == true ? ", fast enough" : ""));
    found = found || at(probe, "/fast") == true;
  }
  if (!found) return;
  const bool confirmed = at(report, "/interrupted") != true && is_whole(whole);
  append_line(out, "found",
              count(report, "/plan/rate") + " events/s keep p99 at " +
                  latency(report, "/plan/find_p99_ms") + " or less" +
                  (confirmed ? "" : "; not confirmed by the run after the search"));
}

struct Figure {
  const char* title;
  const char* path;
  const char* unit;
};

constexpr Figure kCompared[] = {
    {"streams", "/opening/streams", ""},
    {"streams opened", "/opening/streams_per_second", "/s"},
    {"rate", "/plan/rate", " events/s"},
    {"events", "/deliveries/events_per_second", "/s"},
    {"deliveries", "/deliveries/deliveries_per_second", "/s"},
    {"lost", "/deliveries/lost", ""},
    {"out of order", "/deliveries/out_of_order", ""},
    {"repeated", "/deliveries/duplicates", ""},
    {"latency p50", "/latency_ms/p50", " ms"},
    {"latency p90", "/latency_ms/p90", " ms"},
    {"latency p99", "/latency_ms/p99", " ms"},
    {"latency p99.9", "/latency_ms/p999", " ms"},
    {"latency max", "/latency_ms/max", " ms"},
    {"requests a connection", "/publisher/requests_per_connection", ""},
    {"CPU a delivery", "/server/cpu_us_per_delivery", " us"},
    {"memory a stream", "/server/memory_bytes_per_stream", " B"},
    {"memory, streams open", "/server/memory_bytes_open", " B"},
};

}  // namespace

std::vector<std::string> faults(const Report& whole) {
  const Json& report = whole.json;
  std::vector<std::string> found;
  const auto note = [&](double n, const std::string& what) {
    if (n > 0) found.push_back(human_count(n) + " " + what);
  };
  const bool interrupted = at(report, "/interrupted") == true;
  const double refused = number(report, "/opening/refused");
  const double lost = number(report, "/deliveries/lost");
  if (!interrupted) {
    note(number(report, "/plan/streams") - number(report, "/opening/streams") - refused,
         "streams not opened");
  }
  note(refused, "streams refused");
  note(number(report, "/opening/ended") + number(report, "/deliveries/streams_ended"),
       "streams ended by the server");
  note(lost, "lost (" + count(report, "/deliveries/lost_first") + " at the beginning, " +
                 count(report, "/deliveries/lost_last") + " at the end)");
  note(number(report, "/deliveries/expected") - number(report, "/deliveries/received") - lost,
       "not received");
  note(number(report, "/deliveries/out_of_order"), "out of order");
  const double too_old = number(report, "/deliveries/too_old");
  note(number(report, "/deliveries/duplicates") - too_old, "repeated");
  note(too_old, "very late or repeated");
  note(number(report, "/deliveries/strays"), "that no stream was owed");
  note(number(report, "/deliveries/publishes_failed"), "publishes failed");
  note(number(report, "/deliveries/publishes_unanswered"),
       "publishes unanswered: they are more than the server takes");
  const double limit = number(report, "/plan/find_p99_ms");
  if (!interrupted && limit > 0 && number(report, "/latency_ms/p99") > limit) {
    found.push_back("p99 " + latency(report, "/latency_ms/p99") + ", not " +
                    latency(report, "/plan/find_p99_ms") + " or less");
  }
  if (const Json& why = at(report, "/gave_up"); why.is_string()) {
    found.push_back(why.get<std::string>());
  }
  return found;
}

bool is_whole(const Report& report) {
  return faults(report).empty();
}

std::string report_text(const Report& whole) {
  const Json& report = whole.json;
  std::string out;
  const bool ramp = number(report, "/plan/rate") != number(report, "/plan/rate_end");
  append_search(out, whole);
  append_line(out, "load",
              count(report, "/plan/rate") + (ramp ? " to " + count(report, "/plan/rate_end") : "") +
                  " events/s of " + count(report, "/plan/size") + " bytes for " +
                  decimal(number(report, "/plan/seconds"), 0) + " s" +
                  (at(report, "/interrupted") == true ? ", interrupted" : ""));
  append_line(out, "streams",
              count(report, "/opening/streams") + " opened in " +
                  human_latency(number(report, "/opening/seconds")) + ", " +
                  count(report, "/opening/streams_per_second") + "/s");
  append_line(out, "delivered",
              count(report, "/deliveries/received") + " of " +
                  count(report, "/deliveries/expected") + ", " +
                  count(report, "/deliveries/deliveries_per_second") + "/s");
  std::string wrong;
  for (const std::string& fault : faults(whole)) wrong += (wrong.empty() ? "" : ", ") + fault;
  append_line(out, "wrong", wrong.empty() ? "nothing" : wrong);
  append_line(
      out, "latency",
      "p50 " + latency(report, "/latency_ms/p50") + ", p90 " + latency(report, "/latency_ms/p90") +
          ", p99 " + latency(report, "/latency_ms/p99") + ", p99.9 " +
          latency(report, "/latency_ms/p999") + ", max " + latency(report, "/latency_ms/max"));
  append_line(
      out, "publisher",
      count(report, "/publisher/requests") + " requests on " +
          count(report, "/publisher/connections") +
          (number(report, "/publisher/connections") == 1 ? " connection, " : " connections, ") +
          count(report, "/deliveries/publishes_failed") + " failed; late by " +
          latency(report, "/publisher/late_p99_ms") + " at p99");
  append_line(out, "server", server_text(report));
  append_line(out, "together",
              count(report, "/deliveries/deliveries_per_second") + " deliveries/s x p99 " +
                  latency(report, "/latency_ms/p99") + " x " +
                  count(report, "/publisher/requests_per_connection") + " requests a connection");
  for (const auto& [what, path] : {std::pair{"stream", "/opening/first_refusal"},
                                   std::pair{"publish", "/deliveries/first_failure"}}) {
    const Json& why = at(report, path);
    if (!why.is_string() || why == "") continue;
    append_line(out, "refused",
                std::string("the first ") + what + ": " + cmd::printable(why.get<std::string>()));
  }
  return out;
}

std::string report_page(const Report& report) {
  // No '<' of the report's may end the script that holds it.
  std::string data;
  for (const char c : config::dump(report.json)) data += c == '<' ? "\\u003c" : std::string(1, c);
  std::string page(kPageBegin);
  page.append(kDataBegin).append(data).append(kDataEnd).append(kPageEnd);
  return page;
}

Result<Report> read_report(std::string_view text) {
  if (const auto begin = text.find(kDataBegin); begin != std::string_view::npos) {
    text.remove_prefix(begin + kDataBegin.size());
    text = text.substr(0, text.find(kDataEnd));
  }
  Json report = config::read_json(text);
  if (!report.is_object() || number(report, "/crier_bench") != 1) {
    return fail(Errc::bad_request, "no report of `crier bench --json` or `--html`");
  }
  return Report{std::move(report)};
}

std::string comparison_text(const Report& one, const Report& other) {
  const Json& first = one.json;
  const Json& second = other.json;
  std::string out;
  std::array<char, 160> line{};
  const auto append = [&](const char* title, const std::string& a, const std::string& b,
                          const std::string& ratio) {
    std::snprintf(line.data(), line.size(), "%-22s %16s %16s %9s\n", title, a.c_str(), b.c_str(),
                  ratio.c_str());
    out += line.data();
  };
  append("", at(first, "/version").is_string() ? at(first, "/version").get<std::string>() : "",
         at(second, "/version").is_string() ? at(second, "/version").get<std::string>() : "",
         "ratio");
  for (const auto& [title, path, unit] : kCompared) {
    if (!at(first, path).is_number() || !at(second, path).is_number()) continue;
    const double a = number(first, path);
    const double b = number(second, path);
    const auto shown = [&](double value) {
      return (value >= 1000 ? human_count(value)
                            : decimal(value, value == std::floor(value) ? 0 : 2)) +
             unit;
    };
    append(title, shown(a), shown(b), a == 0 ? "" : decimal(b / a, 2));
  }
  for (const char* key : {"streams", "rate", "rate_end", "seconds", "size", "topics", "reuse"}) {
    const std::string path = std::string("/plan/") + key;
    const Json& a = at(first, path.c_str());
    const Json& b = at(second, path.c_str());
    const bool searched = !at(first, "/search").empty() && !at(second, "/search").empty();
    if (a == b || (searched && std::string_view(key).starts_with("rate"))) continue;
    out += std::string("The plans differ: ") + key + " " + config::dump(a) + " and " +
           config::dump(b) + ".\n";
  }
  return out;
}

}  // namespace crier::bench
