#include "cmd/cli/report.h"

#include "cmd/client/terminal.h"

namespace crier::cmd {
namespace {

void print_message(const Arguments& arguments, std::string_view message) {
  print_error("crier " + std::string(arguments.command().name) + ": " + printable(message) + "\n");
}

}  // namespace

int print_result(std::string_view text) {
  return print_out(text) ? kExitOk : kExitFailed;
}

int failed(const Arguments& arguments, std::string_view message) {
  print_message(arguments, message);
  return kExitFailed;
}

int misused(const Arguments& arguments, std::string_view message) {
  print_message(arguments, message);
  print_error("See `crier " + std::string(arguments.command().name) + " --help`.\n");
  return kExitMisused;
}

void warn(const Arguments& arguments, std::string_view message) {
  print_message(arguments, message);
}

int refused(std::span<const std::string> reasons) {
  for (const std::string& reason : reasons) print_error("crier: " + printable(reason) + "\n");
  return kExitMisconfigured;
}

}  // namespace crier::cmd
