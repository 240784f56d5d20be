// Lists of processors in the kernel's form, as cpusets, taskset(1) and /sys have them:
// "0-3,8,10-11".
//
// Pure functions; any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace crier {

// Of any kernel: CONFIG_NR_CPUS ends at 8192.
inline constexpr unsigned kProcessorsMax = 8'192;

// In the order of the text, each once. nullopt for anything else: an empty list, a space, a range
// that runs backwards, a number twice or beyond kProcessorsMax.
std::optional<std::vector<unsigned>> parse_cpu_list(std::string_view text);

// The shortest text that parse_cpu_list() makes these numbers of, in their order.
std::string to_cpu_list(std::span<const unsigned> processors);

}  // namespace crier
