// Finds settings that are within their ranges but contradict each other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"

namespace crier::config {

struct Contradiction {
  std::string key;    // The key to blame, as in Problem::key.
  std::string other;  // The key that it contradicts.
  std::string value;  // The value of `key`, as messages show it.
  std::string rule;   // "it must be at least limits.event_bytes_max (262144)"
};

// How long a full token bucket may last, in seconds: see core/token_bucket.h.
inline constexpr std::uint64_t kBucketSecondsMax = 1'800;

std::vector<Contradiction> contradictions(const Config& config);

}  // namespace crier::config
