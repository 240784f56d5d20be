// `crier debug`: has a running daemon log some streams one by one for a while, through its admin
// endpoint.
#pragma once

#include "cmd/cli/arguments.h"

namespace crier::cmd {

int debug(const Arguments& arguments);

}  // namespace crier::cmd
