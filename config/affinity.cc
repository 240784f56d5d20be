#include "config/affinity.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>

#include "core/check.h"
#include "core/text/cpu_list.h"

namespace crier::config {
namespace {

std::vector<unsigned> numbers_of(std::span<const Processor> processors) {
  std::vector<unsigned> numbers;
  numbers.reserve(processors.size());
  for (const Processor& processor : processors) numbers.push_back(processor.number);
  std::ranges::sort(numbers);
  return numbers;
}

// Sorts processors so that any first few of them are spread over the nodes in proportion: the k-th
// of a node's n processors, counted from 0, has the rank (2k + 1) / 2n. All first threads of cores
// come before all second ones.
std::vector<Processor> spread(std::span<const Processor> usable) {
  using Round = std::pair<unsigned, unsigned>;  // Sibling and node.
  std::map<Round, std::uint64_t> sizes;
  std::vector<Processor> sorted(usable.begin(), usable.end());
  std::ranges::sort(sorted, {}, &Processor::number);
  for (const Processor& processor : sorted) ++sizes[{processor.sibling, processor.node}];

  struct Ranked {
    Processor processor;
    std::uint64_t above;
    std::uint64_t below;
  };
  std::vector<Ranked> ranked;
  std::map<Round, std::uint64_t> seen;
  for (const Processor& processor : sorted) {
    const Round round{processor.sibling, processor.node};
    ranked.push_back({processor, 2 * seen[round]++ + 1, 2 * sizes[round]});
  }
  std::ranges::sort(ranked, [](const Ranked& a, const Ranked& b) {
    return std::tuple(a.processor.sibling, a.above * b.below, a.processor.node) <
           std::tuple(b.processor.sibling, b.above * a.below, b.processor.node);
  });
  std::vector<Processor> spread;
  spread.reserve(ranked.size());
  for (const Ranked& one : ranked) spread.push_back(one.processor);
  return spread;
}

// The processors of a list. If one is not usable: none, and affinity.problem says why.
std::vector<Processor> listed(std::string_view setting, std::span<const Processor> usable,
                              Affinity& affinity) {
  const auto numbers = parse_cpu_list(setting);
  CRIER_CHECK(numbers.has_value());
  std::vector<Processor> processors;
  std::vector<unsigned> missing;
  for (const unsigned number : *numbers) {
    const auto found = std::ranges::find(usable, number, &Processor::number);
    if (found != usable.end()) {
      processors.push_back(*found);
    } else if (usable.empty()) {
      processors.push_back({.number = number});
    } else {
      missing.push_back(number);
    }
  }
  if (missing.empty()) return processors;
  affinity.problem = "workers.affinity lists " + to_cpu_list(missing) +
                     ", but the processors that crier may use are " +
                     to_cpu_list(numbers_of(usable)) +
                     "; change it, or what AllowedCPUs=, CPUAffinity= or taskset allow";
  return {};
}

}  // namespace

Affinity plan_affinity(std::string_view setting, unsigned workers,
                       std::span<const Processor> usable) {
  CRIER_CHECK(workers >= 1);
  Affinity affinity;
  if (setting == kAffinityOff) return affinity;
  const bool automatic = setting == kAffinityAuto;
  if (automatic && usable.empty()) {
    affinity.note = "workers.affinity: crier cannot list the processors, so it pins no worker";
    return affinity;
  }
  const auto processors = automatic ? spread(usable) : listed(setting, usable, affinity);
  if (processors.empty()) return affinity;
  for (unsigned worker = 0; worker < workers; ++worker) {
    affinity.places.push_back(processors[worker % processors.size()]);
  }
  if (workers > processors.size()) {
    affinity.note = "workers.affinity has " + std::to_string(processors.size()) +
                    " processors for " + std::to_string(workers) +
                    " workers, so some share one; lower workers.count";
  }
  return affinity;
}

unsigned processors_listed(std::string_view setting) {
  if (setting == kAffinityOff || setting == kAffinityAuto) return 0;
  const auto numbers = parse_cpu_list(setting);
  return numbers ? static_cast<unsigned>(numbers->size()) : 0;
}

}  // namespace crier::config
