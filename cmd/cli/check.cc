#include "cmd/cli/commands.h"

#include <string>
#include <vector>

#include "cmd/cli/report.h"
#include "cmd/client/terminal.h"
#include "cmd/daemon/preflight.h"
#include "cmd/system/machine.h"
#include "core/text/cpu_list.h"

namespace crier::cmd {
namespace {

// In the order of the workers.
std::string places_text(const Preflight& checked) {
  std::vector<unsigned> numbers;
  numbers.reserve(checked.places.size());
  for (const config::Processor& place : checked.places) numbers.push_back(place.number);
  return to_cpu_list(numbers);
}

// "catch-up; conflate for prices.>"
std::string policies_text(const config::Config& config) {
  std::string text(to_string(config.overflow.policy));
  for (const config::TopicRow& row : config.topics) {
    if (row.policy) text.append("; ").append(to_string(*row.policy)).append(" for " + row.match);
  }
  return text;
}

}  // namespace

int check(const Arguments& arguments) {
  const std::string& file = arguments.operands()[0];
  const auto checked = preflight(file, arguments.texts("--set"), this_machine());
  if (!checked) return refused(checked.error());
  for (const std::string& warning : checked->warnings) {
    print_error("crier: warning: " + printable(warning) + "\n");
  }
  std::string text = printable(file) + " is valid: " + config::to_line(checked->budget) + "\n";
  text += "slow streams: " + policies_text(checked->config) + "\n";
  if (arguments.has("--verbose")) {
    text += config::to_table(checked->budget);
    if (!checked->places.empty()) text += "workers on processors " + places_text(*checked) + "\n";
  }
  return print_result(text);
}

}  // namespace crier::cmd
