#include "tests/broadcast/streams/allocations.h"

#include <malloc.h>

#include <cstdlib>
#include <new>

namespace crier::broadcast {
namespace {

thread_local Allocations counted;

}  // namespace

Allocations allocations() {
  return counted;
}

}  // namespace crier::broadcast

void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  void* const memory = std::malloc(size);
  if (memory == nullptr) return nullptr;
  ++crier::broadcast::counted.count;
  crier::broadcast::counted.in_use += static_cast<std::ptrdiff_t>(::malloc_usable_size(memory));
  return memory;
}

void* operator new(std::size_t size) {
  void* const memory = operator new(size, std::nothrow);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void operator delete(void* memory) noexcept {
  if (memory == nullptr) return;
  crier::broadcast::counted.in_use -= static_cast<std::ptrdiff_t>(::malloc_usable_size(memory));
  std::free(memory);
}

void operator delete(void* memory, std::size_t /*size*/) noexcept {
  operator delete(memory);
}
