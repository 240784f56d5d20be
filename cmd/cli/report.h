// Prints a command's result or error, and returns its exit code. Main thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "cmd/cli/arguments.h"

namespace crier::cmd {

// Writes to standard output as a command's last step. Returns its exit code.
[[nodiscard]] int print_result(std::string_view text);

// "crier publish: message\n" to standard error, control characters escaped: the message may quote a
// server or the command line. Both return the exit code that fits.
int failed(const Arguments& arguments, std::string_view message);
int misused(const Arguments& arguments, std::string_view message);  // Adds where help is.
// The same without an exit code.
void warn(const Arguments& arguments, std::string_view message);

// Prints why a configuration cannot be used, "crier: reason\n" each. Returns kExitMisconfigured.
int refused(std::span<const std::string> reasons);

}  // namespace crier::cmd
