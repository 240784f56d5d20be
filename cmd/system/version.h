// Which crier this is.
#pragma once

#include <string_view>

namespace crier::cmd {

std::string_view version();  // E.g. "0.1.0", from CMakeLists.txt.

}  // namespace crier::cmd
