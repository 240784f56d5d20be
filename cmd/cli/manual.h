// The manual pages, generated from the tables of commands and of the configuration.
#pragma once

#include <string>

#include "cmd/cli/arguments.h"

namespace crier::cmd {

// `crier manual`: prints command_page().
int manual(const Arguments& arguments);

// crier(1) and crier.json(5), for man(1).
std::string command_page();
std::string configuration_page();

}  // namespace crier::cmd
