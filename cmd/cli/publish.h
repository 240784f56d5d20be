// `crier publish`: hands events to the daemon's publish socket.
#pragma once

#include "cmd/cli/arguments.h"

namespace crier::cmd {

int publish(const Arguments& arguments);

}  // namespace crier::cmd
