// O(n) validation: CRIER_SLOW_CHECK, and when to do it. Checks in debug and fuzz builds, where
// CRIER_SLOW_CHECKS is defined; elsewhere neither costs anything.
#pragma once

#include <algorithm>
#include <cstddef>

#include "core/check.h"

namespace crier {

// Spreads an O(n) check over n calls, so that each call pays no more than a constant share.
class SlowCheckPace {
 public:
  // Is it time to check something of `size` parts?
  bool due(std::size_t size) {
    if (!kSlowChecks || ++calls_ < std::max(size, kCallsMin)) return false;
    calls_ = 0;
    return true;
  }

 private:
  static constexpr std::size_t kCallsMin = 64;
  std::size_t calls_ = 0;
};

}  // namespace crier

// Function-like for CRIER_CHECK's reason.
#define CRIER_SLOW_CHECK(condition) (::crier::kSlowChecks ? CRIER_CHECK(condition) : void(0))
