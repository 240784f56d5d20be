// The answer to `GET /status`: the figures of the whole daemon in one JSON object.
//
//   {"ready":false,"ready_detail":"draining","version":"0.1.0","uptime_seconds":12.5,"streams":3,…,
//    "gaps":{"overflow":3},…}
//
// Figures are in seconds and bytes, summed over all workers. Figures by reason are objects without
// zeros, largest first. Unknown figures are left out. Pure function.
#pragma once

#include <string>
#include <string_view>

#include "metrics/catalogue.h"

namespace crier::cmd {

struct StatusFacts {
  const metrics::Catalogue& catalogue;  // Must be refreshed.
  std::string_view why_not_ready;       // Empty: ready.
  double uptime_seconds = 0;            // Since the daemon's start, not since its process's.
};

// The JSON as one line, with its line end. Requires: the catalogue is from make_catalogue(), or has
// families of the same kinds.
std::string status_json(const StatusFacts& facts);

}  // namespace crier::cmd
