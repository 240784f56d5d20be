// Descriptor tables: how many descriptors a thread may have, and which threads share them.
//
// All threads share one table unless they leave it. RLIMIT_NOFILE counts per table, so a worker
// with a table of its own can hold as many sockets as the whole process could before. From then on
// a descriptor's number has another meaning in the other threads, so it must never be passed
// between them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/result.h"

namespace crier::net {

// Gives the calling thread a table of its own, a copy of the shared one. A descriptor that is open
// then is open in both tables, and its socket lives until it is closed in both. Errors: os.
Result<void> leave_shared_table();

// Returns the error of leave_shared_table() if the system forbids it, as a sandbox may. Tries it in
// a thread that ends at once.
Result<void> try_own_table();

// The calling thread's descriptors of files whose absolute names begin with `path`.
std::vector<int> descriptors_of(const std::string& path);

// Raises the soft limit on open files to the hard one. Returns that limit, in descriptors per
// table. Errors: os.
Result<std::size_t> raise_descriptor_limit();

}  // namespace crier::net
