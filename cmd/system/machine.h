// What this machine gives the daemon: cores, memory, open files, watches of epoll.
#pragma once

#include <cstdint>
#include <string>

#include "config/budget.h"

namespace crier::cmd {

// Cores this process may run on; at least 1.
unsigned cores();

// The smallest memory limit of the control groups a process is in, versions 1 and 2; 0: none, or
// unknown. `root` is where /proc and /sys are: a test has its own.
std::uint64_t cgroup_memory_bytes(const std::string& root = "");

// Sockets that all epoll sets of a user may watch together; 0: unknown.
std::uint64_t epoll_watches_max(const std::string& root = "");

// RAM or the cgroup's limit, whichever is less, open files per table, watches of epoll and
// processors. Raises the soft limit of open files to the hard one.
config::Machine this_machine();

}  // namespace crier::cmd
