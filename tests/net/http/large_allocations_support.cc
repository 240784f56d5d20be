#include "tests/net/http/large_allocations.h"

#include <cstdlib>
#include <limits>
#include <new>

namespace crier::net::http_test {
namespace {

constexpr std::size_t kNoBound = std::numeric_limits<std::size_t>::max();
thread_local std::size_t largest_allocation = kNoBound;

}  // namespace

NoLargeAllocations::NoLargeAllocations(std::size_t bytes_max) {
  largest_allocation = bytes_max;
}

NoLargeAllocations::~NoLargeAllocations() {
  largest_allocation = kNoBound;
}

}  // namespace crier::net::http_test

void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  return size > crier::net::http_test::largest_allocation ? nullptr : std::malloc(size);
}

void* operator new(std::size_t size) {
  for (;;) {
    if (void* const memory = operator new(size, std::nothrow)) return memory;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}

void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
