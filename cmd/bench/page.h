// The page of a report, before and after its data. CMake makes it of page.html.
#pragma once

#include <string_view>

namespace crier::bench {

extern const std::string_view kPageBegin;
extern const std::string_view kPageEnd;

}  // namespace crier::bench
