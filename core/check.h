// Checks that stay on in every build, for our own bugs only.
//
// What a peer, the operator or the kernel can cause is a Result or an enum, never a check.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace crier {

[[noreturn]] inline void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "crier: bug: %s:%d: %s is false\n", file, line, condition);
  std::abort();
}

#ifdef CRIER_SLOW_CHECKS
inline constexpr bool kSlowChecks = true;  // O(n) validation; debug and fuzz builds.
#else
inline constexpr bool kSlowChecks = false;
#endif

}  // namespace crier

// The one function-like macro: it needs the text and the place of its condition.
#define CRIER_CHECK(condition) \
  ((condition) ? void(0) : ::crier::check_failed(__FILE__, __LINE__, #condition))
