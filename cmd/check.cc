#include "cmd/check.h"

#include <string>
#include <vector>

#include "cmd/terminal.h"
#include "config/load.h"

namespace crier::cmd {
namespace {

// All of them at once, in the words of the configuration layer.
int report_problems(const std::vector<config::Problem>& problems) {
  for (const config::Problem& problem : problems) {
    print_error("crier: " + printable(problem.message) + "\n");
  }
  return kExitFailed;
}

}  // namespace

int check(const Arguments& arguments) {
  const std::string& file = arguments.operands()[0];
  const auto config = config::load(file, arguments.texts("--set"));
  if (!config) return report_problems(config.error());
  return print_out(file + " is valid\n") ? kExitOk : kExitFailed;
}

}  // namespace crier::cmd
