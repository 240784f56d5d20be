// `crier check`: exactly the start-up path of serve, up to the point where it would listen.
#pragma once

#include "cmd/cli/arguments.h"

namespace crier::cmd {

int check(const Arguments& arguments);

}  // namespace crier::cmd
