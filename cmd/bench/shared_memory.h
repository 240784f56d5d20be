// An object in memory that forked processes share with the process that made it.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "core/result.h"

namespace crier::bench {

struct Unmap {
  template <typename T>
  void operator()(T* at) const {
    ::munmap(at, sizeof(T));
  }
};

// An object that processes forked later share. It is made of zero pages, not constructed: the
// kernel gives memory to a page when it is first written, and most of these pages never are.
template <typename T>
using Shared = std::unique_ptr<T, Unmap>;

// Requires: zero bytes are a T without content.
template <typename T>
[[nodiscard]] Result<Shared<T>> make_shared_zero() {
  void* memory = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return fail(Errc::os, std::string("mmap: ") + std::strerror(errno));
  return Shared<T>(static_cast<T*>(memory));
}

}  // namespace crier::bench
