// `crier subscribe`: prints the events of topics, and comes back when the stream breaks.
#pragma once

#include "cmd/cli/arguments.h"

namespace crier::cmd {

int subscribe(const Arguments& arguments);

}  // namespace crier::cmd
