// The text of limits.memory_max, and how many bytes that is.
//
// Pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace crier::config {

inline constexpr std::string_view kMemoryMaxOff = "off";

struct MemoryMax {
  std::uint64_t bytes = 0;    // 0: see `percent`.
  std::uint32_t percent = 0;  // Of the machine's memory or the control group's limit; 0: no limit.
};

// Reads "off", "80%", "1500000000", "1500M" or "2G": K, M, G and T are powers of 1,024. Returns
// nullopt for other texts, 0 and more than 100 %.
std::optional<MemoryMax> parse_memory_max(std::string_view text);

// Returns the limit in bytes, or 0 if there is none or if `memory_bytes`, the machine's memory, is
// unknown and therefore 0. Requires: parse_memory_max() accepts the text.
std::uint64_t memory_limit(std::string_view text, std::uint64_t memory_bytes);

}  // namespace crier::config
