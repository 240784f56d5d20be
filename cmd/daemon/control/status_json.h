// The answer to `GET /status`: the figures of the whole daemon in one JSON object.
//
//   {"ready":false,"ready_detail":"draining","uptime_seconds":12.5,"streams":3,…,
//    "gaps":{"overflow":3},…}
//
// Figures are in base units (seconds, bytes) and summed over all workers; those by reason are
// objects without zeros, largest first. What is not known is left out.
#pragma once

#include <string>
#include <string_view>

#include "metrics/catalogue.h"

namespace crier::cmd {

struct StatusFacts {
  const metrics::Catalogue& catalogue;  // Refreshed.
  std::string_view why_not_ready;       // Empty: ready.
  double now_unix_seconds = 0;          // For the uptime.
};

// One line, with its end. Requires: the catalogue is that of make_catalogue(), or one with families
// of the same kinds.
std::string status_json(const StatusFacts& facts);

}  // namespace crier::cmd
