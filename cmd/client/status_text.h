// The summary that `crier status` prints, from what the admin endpoint said. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cmd/client/metrics_text.h"

namespace crier::cmd {

struct StatusFacts {
  bool ready = false;
  std::string ready_detail;  // What /readyz answered when not ready.
  MetricsText metrics;
  double now_unix_seconds = 0;  // For the uptime.
};

// A few lines for a person. What the daemon does not report is left out.
std::string status_text(const StatusFacts& facts);

// One JSON object with the same figures, in base units, on one line.
std::string status_json(const StatusFacts& facts);

// Rounded for a person: "12.3 MiB", "4d 2h", "1.24 ms", "1,234,567".
std::string human_bytes(double bytes);
std::string human_duration(double seconds);
std::string human_latency(double seconds);
std::string human_count(double count);

}  // namespace crier::cmd
