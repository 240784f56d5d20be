// Descriptors as a resource: how many a thread may have, and in whose table they are.
//
// Threads share one table unless they leave it, and RLIMIT_NOFILE counts per table: a worker that
// has its own can hold as many sockets as the whole process could before. Afterwards its numbers
// mean nothing to other threads and theirs nothing to it, so a number must never cross.
#pragma once

#include <cstddef>

#include "core/result.h"

namespace crier::net {

// Gives the calling thread a table of its own, a copy of the shared one. What is open at that
// moment is open in both and lives until both have closed it.
Result<void> leave_shared_table();

// Whether that works here, which a sandbox may forbid: tried in a thread made for it, whose table
// ends with it.
Result<void> try_own_table();

// Raises the soft limit of descriptors to the hard one and returns it: descriptors per table.
Result<std::size_t> raise_descriptor_limit();

}  // namespace crier::net
