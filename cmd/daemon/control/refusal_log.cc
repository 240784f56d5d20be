#include "cmd/daemon/control/refusal_log.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "config/budget.h"

namespace crier::cmd {
namespace {

constexpr std::string_view kRaiseRequests =
    "raise limits.requests_per_address or limits.requests_per_address_burst; if `from` is a proxy, "
    "list it in http.trusted_proxies; a reload applies it";

// By the code of the answer, where the sentence itself does not say what mends it.
struct Remedy {
  std::string_view code;
  std::string_view text;
  std::string_view why = {};  // The sentence has it, if one code has several remedies.
};
constexpr Remedy kRemedies[] = {
    {"host_not_allowed", "list the host in http.hosts; a reload applies it"},
    {"patterns_denied", "set subscribe.patterns to allow; a reload applies it"},
    {"streams_max", "raise limits.streams_max and restart", config::kByStreamsMax},
    {"streams_max", "raise LimitNOFILE= (ulimit -n) and restart", config::kByOpenFiles},
    {"streams_max", "raise fs.epoll.max_user_watches and restart", config::kByWatches},
    {"streams_max", "raise limits.memory_max and restart", config::kByMemory},
    {"streams_per_address_max",
     "raise limits.streams_per_address_max; if `from` is a proxy, list it in "
     "http.trusted_proxies"},
    {"requests_per_address", kRaiseRequests},
    {"streams_per_topic_max", "raise limits.streams_per_topic_max, or set it to 0"},
    {"class_streams_max", "raise streams_max of the row that `why` names, or set it to 0"},
    {"topics_max", "raise limits.topics_max"},
    {"patterns_max", "raise limits.patterns_max"},
    {"memory", "raise limits.memory_max, or lower the limit of the part that the log names"},
};

std::string remedy(const RefusedRequest& request) {
  if (request.answer.code == "origin_not_allowed") {
    if (request.origin == "null") return {};  // No setting allows it; the sentence says what to do.
    return "add the origin to http.origins; a reload applies it";
  }
  const auto* const found = std::ranges::find_if(kRemedies, [&](const Remedy& each) {
    return each.code == request.answer.code && request.answer.message.contains(each.why);
  });
  return found == std::end(kRemedies) ? std::string() : std::string(found->text);
}

}  // namespace

std::string name_of(const net::HttpPeer& peer) {
  return peer.local ? "uid " + std::to_string(peer.credentials.uid) : net::to_string(peer.address);
}

void log_refusal(LogSink& log, std::string_view message, const RefusedRequest& request) {
  const std::string mend = remedy(request);
  std::vector<Field> fields = {{"reason", request.reason}, {"status", request.answer.status}};
  if (!request.from.empty()) fields.push_back({"from", request.from});
  if (!request.origin.empty()) fields.push_back({"origin", request.origin});
  if (!request.path.empty()) fields.push_back({"path", request.path});
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
