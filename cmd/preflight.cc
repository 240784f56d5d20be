#include "cmd/preflight.h"

#include <utility>

#include "cmd/machine.h"
#include "cmd/settings.h"
#include "config/load.h"

namespace crier::cmd {

Checked preflight(const std::optional<std::string>& file, std::span<const std::string> overrides,
                  const config::Machine& machine, std::optional<unsigned> workers) {
  auto loaded = config::load(file, overrides);
  if (!loaded) {
    std::vector<std::string> problems;
    for (config::Problem& problem : loaded.error()) problems.push_back(std::move(problem.message));
    return std::unexpected(std::move(problems));
  }
  Preflight result{.config = *std::move(loaded)};
  result.workers =
      result.config.workers.count != 0 ? result.config.workers.count : workers.value_or(cores());
  result.budget = config::budget_of(result.config, result.workers);
  result.fit = config::fit(result.config, result.budget, machine);
  if (!result.fit.memory_problem.empty()) {
    return std::unexpected(std::vector{result.fit.memory_problem});
  }
  result.sockets = socket_options(result.config);
  if (auto tried = net::try_options(result.sockets)) {
    result.sockets = std::move(tried->usable);
    if (!tried->warning.empty()) result.warnings.push_back(std::move(tried->warning));
  } else if (result.config.kernel.bbr && result.sockets.congestion_control == "bbr") {
    result.warnings.push_back(tried.error().detail);  // The kernel is to be tuned for it first.
  } else {
    return std::unexpected(std::vector{tried.error().detail});
  }
  for (const std::string& problem : {result.fit.descriptor_problem, result.fit.watch_problem}) {
    if (!problem.empty()) result.warnings.push_back(problem);
  }
  if (result.fit.streams_possible == 0) return std::unexpected(std::move(result.warnings));
  return result;
}

}  // namespace crier::cmd
