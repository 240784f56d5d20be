// Which processor each worker is pinned to: workers.affinity, applied to the processors there are.
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

// One that the process may use.
struct Processor {
  unsigned number = 0;
  unsigned node = 0;     // Of its memory (NUMA).
  unsigned sibling = 0;  // Its place among the usable threads of its core.
  friend bool operator==(const Processor&, const Processor&) = default;
};

struct Affinity {
  std::vector<Processor> places;  // Of each worker; empty: none is pinned.
  // Whole sentences; empty: nothing to tell.
  std::string problem;  // Why not to start.
  std::string note;
};

// auto: the first thread of every core before a second one; among them, any first so many workers
// are spread over the nodes as the processors are. A list: as it stands. With more workers than
// processors several share one, as evenly as can be.
//
// `usable`: empty where it is not known; then auto pins nobody, and a list is believed.
// Requires: the setting passed its rule (kAffinity in text_rules.h), workers >= 1.
Affinity plan_affinity(std::string_view setting, unsigned workers,
                       std::span<const Processor> usable);

// How many processors a list names; 0: it is none.
unsigned processors_listed(std::string_view setting);

}  // namespace crier::config
