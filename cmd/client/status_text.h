// The summary that `crier status` prints, from what the admin endpoint said. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace crier::cmd {

// A few lines for a person, from the JSON of /status. What the daemon does not report is left out.
// Fails with Errc::bad_request where that is not such JSON.
Result<std::string> status_text(std::string_view status);

// Rounded for a person: "12.3 MiB", "4d 2h", "1.24 ms", "1,234,567".
std::string human_bytes(double bytes);
std::string human_duration(double seconds);
std::string human_latency(double seconds);
std::string human_count(double count);

}  // namespace crier::cmd
