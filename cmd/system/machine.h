// Reads the machine's resources: cores, memory, open files, watches of epoll.
#pragma once

#include <cstdint>
#include <string>

#include "config/budget.h"

namespace crier::cmd {

// Cores this process may run on; at least 1.
unsigned cores();

// Sockets that all epoll sets of a user may watch together; 0: unknown. `root` is where /proc is: a
// test has its own.
std::uint64_t epoll_watches_max(const std::string& root = "");

// RAM or the cgroup's limit, whichever is less, open files per table, watches of epoll and
// processors. Raises the soft limit of open files to the hard one.
config::Machine this_machine();

}  // namespace crier::cmd
