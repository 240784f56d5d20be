// What this binary allocates with operator new, counted for each thread.
#pragma once

#include <cstddef>

namespace crier::broadcast {

struct Allocations {
  std::size_t count = 0;      // Ever.
  std::ptrdiff_t in_use = 0;  // Bytes.
};

// Of the calling thread.
Allocations allocations();

}  // namespace crier::broadcast
