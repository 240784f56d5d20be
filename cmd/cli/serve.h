// `crier serve`: the daemon, from its start to the end of its drain.
#pragma once

#include "cmd/cli/arguments.h"

namespace crier::cmd {

int serve(const Arguments& arguments);

}  // namespace crier::cmd
