// Random numbers from the kernel, for the keys and seeds of one run.
//
// Any thread.
#pragma once

#include <stdlib.h>

#include <type_traits>

namespace crier::cmd {

template <typename T>
T drawn() {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  ::arc4random_buf(&value, sizeof(T));  // Tries again where getrandom() is interrupted.
  return value;
}

}  // namespace crier::cmd
