#include "cmd/check.h"

#include <string>

#include "cmd/machine.h"
#include "cmd/preflight.h"
#include "cmd/terminal.h"

namespace crier::cmd {

int check(const Arguments& arguments) {
  const std::string& file = arguments.operands()[0];
  const auto checked = preflight(file, arguments.texts("--set"), this_machine());
  if (!checked) {
    for (const std::string& problem : checked.error()) {
      print_error("crier: " + printable(problem) + "\n");
    }
    return kExitFailed;
  }
  for (const std::string& warning : checked->warnings) {
    print_error("crier: warning: " + printable(warning) + "\n");
  }
  std::string text = printable(file) + " is valid: " + config::to_line(checked->budget) + "\n";
  if (arguments.has("--verbose")) text += config::to_table(checked->budget);
  return print_result(text);
}

}  // namespace crier::cmd
