#include "cmd/system/processors.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string_view>
#include <system_error>

#include "core/check.h"
#include "core/out_of_memory.h"
#include "core/text/cpu_list.h"
#include "core/text/decimal.h"
#include "net/socket/os_error.h"

namespace crier::cmd {
namespace {

constexpr std::size_t kMaskBytes = kProcessorsMax / 8;
struct FreeMask {
  void operator()(cpu_set_t* mask) const { CPU_FREE(mask); }
};
using Mask = std::unique_ptr<cpu_set_t, FreeMask>;

Mask empty_mask() {
  Mask mask(CPU_ALLOC(kProcessorsMax));
  if (!mask) out_of_memory();
  CPU_ZERO_S(kMaskBytes, mask.get());
  return mask;
}

// Empty if there is no such file, or no processor in its list, as for a node that is only memory.
std::vector<unsigned> list_in(const std::filesystem::path& file) {
  std::string line;
  std::ifstream stream(file);
  std::getline(stream, line);
  return parse_cpu_list(line).value_or(std::vector<unsigned>());
}

std::map<unsigned, unsigned> nodes_below(const std::filesystem::path& directory) {
  constexpr std::string_view kPrefix = "node";
  std::map<unsigned, unsigned> node_of;
  using Entries = std::filesystem::directory_iterator;
  std::error_code unread;  // A range-based for would throw instead.
  for (Entries entry(directory, unread); entry != Entries(); entry.increment(unread)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    const auto node = parse_decimal<unsigned>(std::string_view(name).substr(kPrefix.size()));
    if (!node) continue;
    for (const unsigned processor : list_in(entry->path() / "cpulist")) node_of[processor] = *node;
  }
  return node_of;
}

}  // namespace

std::vector<unsigned> allowed_processors() {
  const Mask mask = empty_mask();
  std::vector<unsigned> allowed;
  if (::sched_getaffinity(0, kMaskBytes, mask.get()) != 0) return allowed;
  for (unsigned processor = 0; processor < kProcessorsMax; ++processor) {
    if (CPU_ISSET_S(processor, kMaskBytes, mask.get())) allowed.push_back(processor);
  }
  return allowed;
}

std::vector<config::Processor> located(std::span<const unsigned> allowed, const std::string& root) {
  const std::filesystem::path system = root + "/sys/devices/system";
  const auto node_of = nodes_below(system / "node");
  std::vector<config::Processor> processors;
  for (const unsigned number : allowed) {
    config::Processor processor{.number = number};
    if (const auto node = node_of.find(number); node != node_of.end()) {
      processor.node = node->second;
    }
    const auto threads =
        list_in(system / ("cpu/cpu" + std::to_string(number)) / "topology/thread_siblings_list");
    processor.sibling = static_cast<unsigned>(std::ranges::count_if(threads, [&](unsigned other) {
      return other < number && std::ranges::find(allowed, other) != allowed.end();
    }));
    processors.push_back(processor);
  }
  return processors;
}

Result<void> pin_this_thread(unsigned processor) {
  CRIER_CHECK(processor < kProcessorsMax);
  const Mask mask = empty_mask();
  CPU_SET_S(processor, kMaskBytes, mask.get());
  if (::sched_setaffinity(0, kMaskBytes, mask.get()) == 0) return {};
  const int error = errno;
  return fail(Errc::os, "cannot pin a worker to processor " + std::to_string(processor) +
                            " (sched_setaffinity): " + net::errno_text(error) +
                            "; allow the call (drop-ins/processors.conf) and the processor, or "
                            "set workers.affinity to off");
}

}  // namespace crier::cmd
