#include "cmd/daemon/control/refusal_log.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

namespace crier::cmd {
namespace {

constexpr std::string_view kRaiseRequests =
    "raise limits.requests_per_address or limits.requests_per_address_burst; if `from` is a proxy, "
    "list it in http.trusted_proxies; a reload applies it";

// By the code of the answer, where the sentence itself does not say what mends it.
struct Remedy {
  std::string_view code;
  std::string_view text;
};
constexpr Remedy kRemedies[] = {
    {"host_not_allowed", "list the host in http.hosts; a reload applies it"},
    {"patterns_denied", "set subscribe.patterns to allow; a reload applies it"},
    {"streams_max", "raise limits.streams_max, unless it is auto, and LimitNOFILE= (ulimit -n)"},
    {"streams_per_address_max",
     "raise limits.streams_per_address_max; if `from` is a proxy, list it in "
     "http.trusted_proxies"},
    {"requests_per_address", kRaiseRequests},
    {"streams_per_topic_max", "raise limits.streams_per_topic_max, or set it to 0"},
    {"class_streams_max", "raise streams_max of the row of `topics`, or set it to 0"},
    {"topics_max", "raise limits.topics_max"},
    {"patterns_max", "raise limits.patterns_max"},
    {"memory", "raise limits.memory_max, or lower the limit of the part that the log names"},
};

// Returns true for scheme://host[:port] of characters that a shell takes as they are. A client may
// send anything as its origin.
bool safe_in_command(std::string_view origin) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr std::string_view kOther = "0123456789.-:";
  const std::size_t scheme = origin.find_first_not_of(kLetters);
  if (scheme == 0 || scheme == std::string_view::npos) return false;
  if (!origin.substr(scheme).starts_with("://")) return false;
  const std::string_view host = origin.substr(scheme + 3);
  return !host.empty() && std::ranges::all_of(host, [&](char c) {
    return kLetters.contains(c) || kOther.contains(c);
  });
}

std::string remedy(const RefusedRequest& request) {
  if (request.answer.code == "origin_not_allowed") {
    if (request.origin == "null") return {};  // No setting allows it; the sentence says what to do.
    const std::string command =
        safe_in_command(request.origin)
            ? ", as --set http.origins=" + std::string(request.origin) + " does"
            : "";
    return "list the origin in http.origins" + command + "; a reload applies it";
  }
  const auto* const found = std::ranges::find(kRemedies, request.answer.code, &Remedy::code);
  return found == std::end(kRemedies) ? std::string() : std::string(found->text);
}

}  // namespace

void log_refusal(LogSink& log, std::string_view message, const RefusedRequest& request) {
  const std::string mend = remedy(request);
  std::vector<Field> fields = {{"reason", request.reason}, {"status", request.answer.status}};
  if (!request.from.empty()) fields.push_back({"from", request.from});
  if (!request.origin.empty()) fields.push_back({"origin", request.origin});
  fields.push_back({"trace_id", request.trace_id});
  fields.push_back({"why", request.answer.message});
  if (!mend.empty()) fields.push_back({"remedy", mend});
  log.write(Level::info, message, fields);
}

void log_shut_out(LogSink& log, std::string_view from, std::uint32_t seconds) {
  log.info(kShutOut, {{"from", from},
                      {"seconds", seconds},
                      {"why", "three requests in a row were more than limits.requests_per_address"},
                      {"remedy", kRaiseRequests}});
}

}  // namespace crier::cmd
