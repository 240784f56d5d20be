// `crier tune`: the kernel's parameters beside what a configuration needs, raising them, and
// putting them back.
#pragma once

#include "cmd/cli/arguments.h"

namespace crier::cmd {

int tune(const Arguments& arguments);

}  // namespace crier::cmd
