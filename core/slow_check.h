// CRIER_SLOW_CHECK: validation of a whole table, and SlowCheckPace, which decides when to run it.
//
// Both work in debug and fuzz builds, which define CRIER_SLOW_CHECKS. In other builds neither costs
// anything.
#pragma once

#include <algorithm>
#include <cstddef>

#include "core/check.h"

namespace crier {

// Spreads an O(n) check over n calls, so that each call pays a constant share. Belongs to one
// thread.
class SlowCheckPace {
 public:
  // Returns true when a structure of `size` elements should be checked now. Call it once per
  // operation.
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

// A macro for the same reason as CRIER_CHECK.
#define CRIER_SLOW_CHECK(condition) (::crier::kSlowChecks ? CRIER_CHECK(condition) : void(0))
