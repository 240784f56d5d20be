// Includes Catch2 of either major version of the distributions, with the names of version 3.
#pragma once

#if CRIER_CATCH2_MAJOR == 3
#include <catch2/catch_all.hpp>

using Catch::Approx;
#else
#include <catch2/catch.hpp>

#include <string>

namespace Catch::Matchers {

inline auto ContainsSubstring(const std::string& part,
                              CaseSensitive::Choice choice = CaseSensitive::Yes) {
  return Contains(part, choice);
}

}  // namespace Catch::Matchers
#endif
