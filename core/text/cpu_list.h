// Lists of processors in the kernel's form, which cpusets, taskset(1) and /sys use: "0-3,8,10-11".
//
// Pure functions; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace crier {

// No Linux kernel has more: CONFIG_NR_CPUS ends at 8192.
inline constexpr unsigned kProcessorsMax = 8'192;

// Returns the processors in the order of the text. Returns nullopt for text that is not such a
// list: an empty list, a space, a range that runs backwards, a number given twice, or a number of
// kProcessorsMax or more.
std::optional<std::vector<unsigned>> parse_cpu_list(std::string_view text);

// Returns the shortest text from which parse_cpu_list() reads these numbers, in their order.
std::string to_cpu_list(std::span<const unsigned> processors);

}  // namespace crier
