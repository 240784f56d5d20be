#include "cmd/status/status_json.h"

#include "cmd/status/json_parts.h"

namespace crier::cmd {

std::string status_json(const StatusFacts& facts) {
  std::string out = "{";
  append_json_readiness(out, facts.why_not_ready);
  append_json_figures(out, facts.catalogue, facts.uptime_seconds);
  return out + "}\n";
}

}  // namespace crier::cmd
