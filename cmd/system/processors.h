// The processors of this machine: which ones the process may use, where they are, and a thread
// pinned to one.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/affinity.h"
#include "core/result.h"

namespace crier::cmd {

// What the calling thread may run on: online, in the cpuset, in the mask it was started with.
// Empty: unknown.
std::vector<unsigned> allowed_processors();

// Where each of `allowed` is. Of what /sys does not tell: node 0, first of its core. `root` is
// where /sys is: a test has its own.
std::vector<config::Processor> located(std::span<const unsigned> allowed,
                                       const std::string& root = "");

// The calling thread runs nowhere else from now on. Memory it touches first is of that processor's
// node. Errors: os, which name `workers.affinity`.
[[nodiscard]] Result<void> pin_this_thread(unsigned processor);

}  // namespace crier::cmd
