// CRIER_CHECK: checks that stay on in every build and stop the daemon at a bug of crier itself.
//
// A failed check prints file, line and condition to stderr, then aborts. What a client, an operator
// or the kernel can cause is a Result or an enum, never a check. Any thread.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace crier {

[[noreturn]] inline void check_failed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "crier: bug: %s:%d: %s is false\n", file, line, condition);
  std::abort();
}

#ifdef CRIER_SLOW_CHECKS
inline constexpr bool kSlowChecks = true;  // O(n) validation runs in debug and fuzz builds.
#else
inline constexpr bool kSlowChecks = false;
#endif

}  // namespace crier

// A macro, because it needs the condition's text and place.
#define CRIER_CHECK(condition) \
  ((condition) ? void(0) : ::crier::check_failed(__FILE__, __LINE__, #condition))
