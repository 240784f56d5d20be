// Random numbers from the kernel, for the keys and seeds of one run.
//
// Any thread.
#pragma once

#include <sys/random.h>

#include <type_traits>

#include "core/check.h"

namespace crier::cmd {

template <typename T>
T drawn() {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 256);  // Never a part of it.
  T value;
  CRIER_CHECK(::getrandom(&value, sizeof(T), 0) == static_cast<ssize_t>(sizeof(T)));
  return value;
}

}  // namespace crier::cmd
