// Finds the settings that a reload would change, and applies those that need no restart.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace crier::config {

struct Difference {
  std::string_view key;  // A constant; `topics` stands for all its rows.
  std::string running;   // On one line: a text as it is, anything else as JSON.
  std::string wanted;
  bool live = false;  // Applied by apply_live(); else it waits for the next start.
};

// In the order of the tables; empty: the two are the same.
std::vector<Difference> compare(const Config& running, const Config& wanted);

// Copies the settings that need no restart into `running`, and no others. What results is checked
// again: false, and `running` is untouched, when the new settings only make sense together with one
// that waits.
[[nodiscard]] bool apply_live(Config& running, const Config& wanted);

}  // namespace crier::config
