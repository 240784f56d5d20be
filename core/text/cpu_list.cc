#include "core/text/cpu_list.h"

#include <bitset>
#include <cstddef>

#include "core/text/decimal.h"

namespace crier {
namespace {

// Refuses a leading zero: /sys never writes one, and a reader could take the number for octal.
std::optional<unsigned> parse_number(std::string_view text) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  const auto number = parse_decimal<unsigned>(text);
  return number && *number < kProcessorsMax ? number : std::nullopt;
}

}  // namespace

std::optional<std::vector<unsigned>> parse_cpu_list(std::string_view text) {
  std::vector<unsigned> processors;
  std::bitset<kProcessorsMax> seen;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view range = text.substr(0, comma);
    const std::size_t dash = range.find('-');
    const auto first = parse_number(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_number(range.substr(dash + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    for (unsigned processor = *first; processor <= *last; ++processor) {
      if (seen.test(processor)) return std::nullopt;
      seen.set(processor);
      processors.push_back(processor);
    }
    if (comma == std::string_view::npos) return processors;
    text.remove_prefix(comma + 1);
  }
}

std::string to_cpu_list(std::span<const unsigned> processors) {
  std::string text;
  for (std::size_t i = 0; i < processors.size();) {
    std::size_t end = i + 1;
    while (end < processors.size() && processors[end] == processors[end - 1] + 1) ++end;
    if (!text.empty()) text += ',';
    text += std::to_string(processors[i]);
    if (end - i > 1) text += (end - i > 2 ? '-' : ',') + std::to_string(processors[end - 1]);
    i = end;
  }
  return text;
}

}  // namespace crier
