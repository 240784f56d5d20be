// `crier config`: prints the texts generated from the tables of the configuration.
#pragma once

#include "cmd/cli/arguments.h"

namespace crier::cmd {

int config_text(const Arguments& arguments);

}  // namespace crier::cmd
