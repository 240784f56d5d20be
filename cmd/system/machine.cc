#include "cmd/system/machine.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string_view>

#include "cmd/system/processors.h"
#include "core/text/decimal.h"
#include "net/socket/descriptor_table.h"

namespace crier::cmd {
namespace {

// Beyond this a number says "no limit" in version 1's own way.
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 60;

// 0: the file is not there, or says `max`.
std::uint64_t limit_in(const std::string& file) {
  std::string line;
  std::ifstream stream(file);
  std::getline(stream, line);
  const std::uint64_t limit = parse_decimal<std::uint64_t>(line).value_or(0);
  return limit < kNoLimit ? limit : 0;
}

// A limit of a group above holds for those below it.
std::uint64_t smallest_limit(const std::string& mount, std::string path, const char* file) {
  std::uint64_t smallest = 0;
  while (true) {
    if (const std::uint64_t limit = limit_in(mount + path + "/" + file); limit != 0) {
      smallest = smallest == 0 ? limit : std::min(smallest, limit);
    }
    const std::size_t slash = path.rfind('/');
    if (path.empty() || slash == std::string::npos) return smallest;
    path.resize(slash);
  }
}

bool lists_memory(std::string_view controllers) {
  return ("," + std::string(controllers) + ",").contains(",memory,");
}

}  // namespace

unsigned cores() {
  const std::size_t mine = allowed_processors().size();
  if (mine > 0) return static_cast<unsigned>(mine);
  return static_cast<unsigned>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
}

std::uint64_t cgroup_memory_bytes(const std::string& root) {
  std::uint64_t smallest = 0;
  std::ifstream groups(root + "/proc/self/cgroup");
  // cgroups(7): hierarchy:controllers:path, and `0::path` for version 2.
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    std::uint64_t limit = 0;
    if (controllers.empty()) {
      limit = smallest_limit(root + "/sys/fs/cgroup", path, "memory.max");
    } else if (lists_memory(controllers)) {
      limit = smallest_limit(root + "/sys/fs/cgroup/memory", path, "memory.limit_in_bytes");
    }
    if (limit != 0) smallest = smallest == 0 ? limit : std::min(smallest, limit);
  }
  return smallest;
}

std::uint64_t epoll_watches_max(const std::string& root) {
  return limit_in(root + "/proc/sys/fs/epoll/max_user_watches");
}

config::Machine this_machine() {
  config::Machine machine;
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_bytes = ::sysconf(_SC_PAGESIZE);
  if (pages > 0 && page_bytes > 0) {
    machine.memory_bytes =
        static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes);
    machine.page_bytes = static_cast<std::uint64_t>(page_bytes);
  }
  if (const std::uint64_t limit = cgroup_memory_bytes(); limit != 0) {
    machine.memory_bytes =
        machine.memory_bytes == 0 ? limit : std::min(machine.memory_bytes, limit);
  }
  if (const auto descriptors = net::raise_descriptor_limit()) {
    machine.descriptors_max = *descriptors;
  }
  machine.watches_max = epoll_watches_max();
  machine.processors = located(allowed_processors());
  return machine;
}

}  // namespace crier::cmd
