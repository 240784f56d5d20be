// Makes selectors from text.
#pragma once

#include <string_view>
#include <vector>

#include "core/check.h"
#include "core/topic.h"

namespace crier {

// Requires: each is a valid topic or pattern.
template <typename Texts>
std::vector<Selector> selectors(const Texts& texts) {
  std::vector<Selector> parsed;
  for (const std::string_view text : texts) {
    const auto selector = Selector::parse(text);
    CRIER_CHECK(selector.has_value());
    parsed.push_back(*selector);
  }
  return parsed;
}

}  // namespace crier
