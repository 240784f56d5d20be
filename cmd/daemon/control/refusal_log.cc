#include "cmd/daemon/control/refusal_log.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

namespace crier::cmd {
namespace {

// By the code of the answer, where the sentence itself does not say what mends it.
struct Remedy {
  std::string_view code;
  std::string_view text;
};
constexpr Remedy kRemedies[] = {
    {"host_not_allowed", "list the host in http.hosts; a reload applies it"},
    {"patterns_denied", "set subscribe.patterns to allow; a reload applies it"},
    {"streams_max", "raise limits.streams_max, and LimitNOFILE= (ulimit -n) with it"},
    {"streams_per_address_max", "raise limits.streams_per_address_max; behind a proxy set it to 0"},
    {"topics_max", "raise limits.topics_max"},
    {"patterns_max", "raise limits.patterns_max"},
};

std::string remedy(const RefusedRequest& request) {
  if (request.answer.code == "origin_not_allowed") {
    return "list the origin in http.origins, as --set http.origins=" + std::string(request.origin) +
           " does; a reload applies it";
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

}  // namespace crier::cmd
