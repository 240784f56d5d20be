#include "config/memory_max.h"

#include <limits>

#include "core/check.h"
#include "core/text/decimal.h"

namespace crier::config {

std::optional<MemoryMax> parse_memory_max(std::string_view text) {
  constexpr std::string_view kUnits = "KMGT";
  if (text == kMemoryMaxOff) return MemoryMax{};
  if (text.empty()) return std::nullopt;
  const bool is_percent = text.back() == '%';
  const std::size_t unit = kUnits.find(text.back());
  const bool has_unit = unit != std::string_view::npos;
  if (is_percent || has_unit) text.remove_suffix(1);
  const auto number = parse_decimal<std::uint64_t>(text);
  if (!number || *number == 0) return std::nullopt;
  if (is_percent) {
    if (*number > 100) return std::nullopt;
    return MemoryMax{.percent = static_cast<std::uint32_t>(*number)};
  }
  const std::size_t shift = has_unit ? 10 * (unit + 1) : 0;
  if (*number > std::numeric_limits<std::uint64_t>::max() >> shift) return std::nullopt;
  return MemoryMax{.bytes = *number << shift};
}

std::uint64_t memory_limit(std::string_view text, std::uint64_t memory_bytes) {
  const auto parsed = parse_memory_max(text);
  CRIER_CHECK(parsed.has_value());
  if (parsed->bytes != 0) return parsed->bytes;
  return memory_bytes / 100 * parsed->percent + memory_bytes % 100 * parsed->percent / 100;
}

}  // namespace crier::config
