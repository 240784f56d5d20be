// The processors of this machine: which ones the process may use, where they are, and a thread
// pinned to one.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "config/affinity.h"
#include "core/result.h"

namespace crier::cmd {

// The processors on which the calling thread may run: online, in its cpuset and in its affinity
// mask. Empty: unknown.
std::vector<unsigned> allowed_processors();

// Each of `allowed` with its node and its place in its core; if /sys does not have them, node 0 and
// the first place. `root` is where /sys is: a test has its own.
std::vector<config::Processor> located(std::span<const unsigned> allowed,
                                       const std::string& root = "");

// Pins the calling thread to the processor. Memory that the thread touches first is then on that
// processor's node. Errors: os; the text names workers.affinity.
[[nodiscard]] Result<void> pin_this_thread(unsigned processor);

}  // namespace crier::cmd
