#include "cmd/system/version.h"

namespace crier::cmd {

std::string_view version() {
  return CRIER_VERSION;
}

}  // namespace crier::cmd
