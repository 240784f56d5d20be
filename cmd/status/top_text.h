// Makes the screen of `crier top` from two samples of GET /stats. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/result.h"

namespace crier::cmd {

struct TopSamples {
  std::string now;      // The newest sample, JSON.
  std::string before;   // The one before it; may be empty, then rates are unknown.
  std::string trouble;  // Why the newest sample is old; empty: it is not.
};

// At most `rows` lines of at most `columns` characters, each ended with LF. Control characters in
// texts of the daemon are escaped. What a sample does not have is left out. Fails with
// Errc::bad_request if `now` is not a sample.
Result<std::string> top_text(const TopSamples& samples, std::size_t columns, std::size_t rows);

}  // namespace crier::cmd
