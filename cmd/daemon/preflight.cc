#include "cmd/daemon/preflight.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "cmd/daemon/settings.h"
#include "cmd/system/machine.h"
#include "config/load.h"
#include "net/socket/descriptor_table.h"

namespace crier::cmd {
namespace {

unsigned workers_of(const config::Workers& workers, std::optional<unsigned> otherwise) {
  if (workers.count != 0) return workers.count;
  if (otherwise) return *otherwise;
  const unsigned listed = config::processors_listed(workers.affinity);
  return std::min(listed != 0 ? listed : cores(), config::kWorkersMax);
}

// The kernel's hash spreads connections evenly over the tables; steering does not.
std::string steering_problem(const Preflight& checked) {
  if (checked.config.workers.steering == config::Steering::off) return {};
  if (!checked.fit.own_descriptor_tables) return {};
  return "workers.steering may fill the descriptor table of one worker, which then closes new "
         "connections while others have room; set it to off, or raise LimitNOFILE= (ulimit -n) "
         "until one table holds limits.streams_max";
}

void add_problems(std::vector<std::string>& all, std::initializer_list<std::string> problems) {
  for (const std::string& problem : problems) {
    if (!problem.empty()) all.push_back(problem);
  }
}

}  // namespace

Checked preflight(const std::optional<std::string>& file, std::span<const std::string> overrides,
                  const config::Machine& machine, std::optional<unsigned> workers) {
  auto result = survey(file, overrides, machine, workers);
  if (result && !result->shortages.empty()) return std::unexpected(std::move(result->shortages));
  return result;
}

Checked survey(const std::optional<std::string>& file, std::span<const std::string> overrides,
               const config::Machine& machine, std::optional<unsigned> workers) {
  auto loaded = config::load(file, overrides);
  if (!loaded) {
    std::vector<std::string> problems;
    for (config::Problem& problem : loaded.error()) problems.push_back(std::move(problem.message));
    return std::unexpected(std::move(problems));
  }
  Preflight result{.config = *std::move(loaded)};
  result.workers = workers_of(result.config.workers, workers);
  result.budget = config::budget_of(result.config, result.workers, machine);
  config::Machine allows = machine;
  result.fit = config::fit(result.config, result.budget, allows);
  if (result.fit.own_descriptor_tables) {
    if (const auto tried = net::try_own_table(); !tried) {
      allows.own_tables = false;
      result.fit = config::fit(result.config, result.budget, allows);
      // The setting is `on`, so crier must not start without such tables.
      if (result.fit.own_descriptor_tables) result.shortages.push_back(tried.error().detail);
    }
  }
  result.kernel_need = config::kernel_need(result.config, result.budget, result.fit, allows);
  auto affinity =
      config::plan_affinity(result.config.workers.affinity, result.workers, machine.processors);
  result.sockets = socket_options(result.config);
  if (auto tried = net::try_options(result.sockets)) {
    result.sockets = std::move(tried->usable);
    if (!tried->warning.empty()) result.warnings.push_back(std::move(tried->warning));
  } else {
    // The start may tune the kernel for it first.
    const config::Kernel& kernel = result.config.kernel;
    result.retry_sockets = kernel.tuning == config::KernelTuning::apply && kernel.bbr &&
                           result.sockets.congestion_control == "bbr";
    (result.retry_sockets ? result.warnings : result.shortages).push_back(tried.error().detail);
  }
  result.places = std::move(affinity.places);
  const bool none_possible = result.fit.streams_possible == 0;
  add_problems(result.shortages, {result.fit.memory_problem, affinity.problem});
  add_problems(none_possible ? result.shortages : result.warnings,
               {result.fit.descriptor_problem, result.fit.watch_problem});
  add_problems(result.warnings,
               {result.fit.memory_warning, affinity.note, steering_problem(result)});
  return result;
}

}  // namespace crier::cmd
