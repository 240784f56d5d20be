#include "cmd/system/machine.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "cmd/system/memory_group.h"
#include "cmd/system/processors.h"
#include "core/text/decimal.h"
#include "net/socket/descriptor_table.h"

namespace crier::cmd {

unsigned cores() {
  const std::size_t mine = allowed_processors().size();
  if (mine > 0) return static_cast<unsigned>(mine);
  return static_cast<unsigned>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
}

std::uint64_t epoll_watches_max(const std::string& root) {
  std::string line;
  std::ifstream stream(root + "/proc/sys/fs/epoll/max_user_watches");
  std::getline(stream, line);
  return parse_decimal<std::uint64_t>(line).value_or(0);
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
  if (const std::uint64_t limit = MemoryGroup().limit(); limit != 0) {
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
