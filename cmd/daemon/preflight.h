// The first half of a start, which touches nothing: the configuration, what it adds up to, and
// whether this machine has that. `serve` goes on from here; `check` stops.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "config/budget.h"
#include "config/config.h"
#include "config/kernel.h"
#include "net/socket/socket_options.h"

namespace crier::cmd {

struct Preflight {
  config::Config config;
  unsigned workers = 1;                   // That will really run.
  std::vector<config::Processor> places;  // Of each worker; empty: none is pinned.
  config::Budget budget;
  config::Fit fit;
  config::KernelNeed kernel_need;
  net::SocketOptions sockets;  // Of subscribers; those that can be used.
  bool sockets_wait = false;   // Until the kernel has been tuned: they have to be tried again.
  // What an operator should know, though the daemon can run: fewer open files, or watches of epoll,
  // than streams allowed, a socket option that the kernel refuses, workers that share a processor
  // or may get uneven parts.
  std::vector<std::string> warnings;
  // What the machine lacks to start at all, or refuses; empty in what preflight() returns.
  std::vector<std::string> shortages;
};

// Or every reason not to start, each a whole sentence. A machine without the memory for a full
// house is one: it would be found out under the highest load. One without open files or
// watches of epoll for a single stream is another, and a processor listed that crier may not use.
//
// `workers`: what workers.count 0 means; nothing: as many as workers.affinity lists, or as there
// are cores.
using Checked = std::expected<Preflight, std::vector<std::string>>;

[[nodiscard]] Checked preflight(const std::optional<std::string>& file,
                                std::span<const std::string> overrides,
                                const config::Machine& machine,
                                std::optional<unsigned> workers = std::nullopt);

// The same for who asks what is missing: what this machine lacks (memory, open files, watches of
// epoll, processors, options of sockets) are `shortages`, and no error.
[[nodiscard]] Checked survey(const std::optional<std::string>& file,
                             std::span<const std::string> overrides, const config::Machine& machine,
                             std::optional<unsigned> workers = std::nullopt);

}  // namespace crier::cmd
