// Counts what this binary allocates with operator new, for each thread.
#pragma once

#include <cstddef>

namespace crier::broadcast {

struct Allocations {
  std::size_t count = 0;      // Allocations so far.
  std::ptrdiff_t in_use = 0;  // Bytes allocated and not freed.
};

// Returns the counts of the calling thread.
Allocations allocations();

}  // namespace crier::broadcast
