// What came of reading the configuration again: for metrics and /status. Belongs to the control
// loop.
#pragma once

#include <cstddef>

namespace crier::cmd {

struct ReloadOutcome {
  bool successful = true;           // The last one; the start counts as one.
  double success_unix_seconds = 0;  // When the configuration was last taken over.
  std::size_t pending = 0;          // Settings that were read then and wait for a restart.
};

}  // namespace crier::cmd
