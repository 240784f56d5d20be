// `crier status`: a short summary of a running daemon, from its admin endpoint.
#pragma once

#include "cmd/cli/arguments.h"

namespace crier::cmd {

int status(const Arguments& arguments);

}  // namespace crier::cmd
