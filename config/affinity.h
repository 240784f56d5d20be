// Which processor each worker is pinned to: workers.affinity, applied to the processors of the
// machine.
//
// Pure functions; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace crier::config {

inline constexpr std::string_view kAffinityOff = "off";
inline constexpr std::string_view kAffinityAuto = "auto";

// A processor that this process may use.
struct Processor {
  unsigned number = 0;
  unsigned node = 0;     // Its NUMA node.
  unsigned sibling = 0;  // Its number, from 0, among the usable threads of its core.
  friend bool operator==(const Processor&, const Processor&) = default;
};

struct Affinity {
  std::vector<Processor> places;  // One for each worker; empty: no worker is pinned.
  // Whole sentences, or empty.
  std::string problem;  // Why crier must not start.
  std::string note;
};

// `auto` takes the first thread of every core before any second one, and spreads the workers over
// the nodes in proportion to their processors. A list is used in its order. If there are more
// workers than processors, they share processors evenly.
//
// `usable`: empty if it is unknown; then `auto` pins no worker, and a list is not checked.
// Requires: the setting passed its rule (kAffinity in text_rules.h), workers >= 1.
Affinity plan_affinity(std::string_view setting, unsigned workers,
                       std::span<const Processor> usable);

// The number of processors in a list; 0 if the setting is no list.
unsigned processors_listed(std::string_view setting);

}  // namespace crier::config
