// The first half of a start: loads the configuration, adds up what it needs, and checks that this
// machine has it. Changes nothing. `serve` goes on from here; `check` stops.
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
  unsigned workers = 1;                   // The number that will run.
  std::vector<config::Processor> places;  // One for each worker; empty: no worker is pinned.
  config::Budget budget;
  config::Fit fit;
  config::KernelNeed kernel_need;
  net::SocketOptions sockets;  // For subscribers; only options that the kernel accepts.
  bool retry_sockets = false;  // Try them again once the kernel is tuned.
  // Sentences for the operator of a daemon that can run: fewer open files or watches of epoll than
  // streams allowed, a socket option that the kernel refuses, workers that share a processor or may
  // get uneven parts.
  std::vector<std::string> warnings;
  // Why this machine cannot run the configuration. Empty in a result of preflight().
  std::vector<std::string> shortages;
};

// A Preflight, or every reason not to start, each a whole sentence.
using Checked = std::expected<Preflight, std::vector<std::string>>;

// Errors include too little memory for all streams, history and keys, because it would only run out
// under the highest load; no open files or watches of epoll for a single stream; and a processor in
// workers.affinity that crier may not use.
//
// `workers`: the number of workers if workers.count is 0; nothing: as many as workers.affinity
// lists, or as there are cores.
[[nodiscard]] Checked preflight(const std::optional<std::string>& file,
                                std::span<const std::string> overrides,
                                const config::Machine& machine,
                                std::optional<unsigned> workers = std::nullopt);

// The same for `crier tune`: what this machine lacks (memory, open files, watches of epoll,
// processors, options of sockets) is in `shortages`, and no error.
[[nodiscard]] Checked survey(const std::optional<std::string>& file,
                             std::span<const std::string> overrides, const config::Machine& machine,
                             std::optional<unsigned> workers = std::nullopt);

}  // namespace crier::cmd
