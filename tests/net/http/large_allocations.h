// Lets large allocations of this binary fail, as they do when memory is short.
#pragma once

#include <cstddef>

namespace crier::net::http_test {

// While one exists, the system has no memory when operator new asks for more than `bytes_max`
// bytes.
class NoLargeAllocations {
 public:
  explicit NoLargeAllocations(std::size_t bytes_max);
  ~NoLargeAllocations();
  NoLargeAllocations(const NoLargeAllocations&) = delete;
  NoLargeAllocations& operator=(const NoLargeAllocations&) = delete;
};

}  // namespace crier::net::http_test
