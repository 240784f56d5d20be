// Makes the lines that `crier status` shows, from the JSON of /status.
// Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace crier::cmd {

// A few lines for a person. Leaves out the figures that `status` does not have. Fails with
// Errc::bad_request if `status` is not the JSON of /status.
Result<std::string> status_text(std::string_view status);

// Figures rounded for a person: "12.3 MiB", "4d 2h", "1.24 ms", "1,234,567".
std::string human_bytes(double bytes);
std::string human_duration(double seconds);
std::string human_latency(double seconds);
std::string human_count(double count);

}  // namespace crier::cmd
