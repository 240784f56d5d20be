#include "cmd/system/memory_group.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

#include "core/text/decimal.h"
#include "core/units.h"

namespace crier::cmd {
namespace {

// A higher limit is version 1's way to say that there is none.
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 60;

// Returns the number that is the whole first line of a file; 0: there is none.
std::uint64_t number_in(const std::string& file) {
  std::string line;
  std::ifstream stream(file);
  std::getline(stream, line);
  return parse_decimal<std::uint64_t>(line).value_or(0);
}

// Returns the number that follows a word at the beginning of a line, as in "anon 4096"; 0: there is
// none.
std::uint64_t number_after(std::string_view word, const std::string& file) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    std::istringstream words(line);
    std::string first;
    std::uint64_t number = 0;
    if (words >> first >> number && first == word) return number;
  }
  return 0;
}

bool lists_memory(std::string_view controllers) {
  return ("," + std::string(controllers) + ",").contains(",memory,");
}

// "TCP: inuse 8 orphan 0 tw 2 alloc 9 mem 3", of pages.
std::uint64_t tcp_pages(const std::string& file) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    const std::size_t at = line.rfind(" mem ");
    if (!line.starts_with("TCP:") || at == std::string::npos) continue;
    return parse_decimal<std::uint64_t>(std::string_view(line).substr(at + 5)).value_or(0);
  }
  return 0;
}

}  // namespace

MemoryGroup::MemoryGroup(std::string root) : root_(std::move(root)) {
  std::ifstream groups(root_ + "/proc/self/cgroup");
  // cgroups(7): hierarchy:controllers:path, and `0::path` for version 2.
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    if (controllers.empty()) {
      consider("/sys/fs/cgroup", std::move(path), "memory.max", true);
    } else if (lists_memory(controllers)) {
      consider("/sys/fs/cgroup/memory", std::move(path), "memory.limit_in_bytes", false);
    }
  }
}

// A limit of a group above holds for those below it.
void MemoryGroup::consider(const std::string& mount, std::string path, const char* limit_file,
                           bool version_2) {
  while (true) {
    std::string folder = root_ + mount + path;
    const std::uint64_t limit = number_in(folder + "/" + limit_file);
    if (limit != 0 && limit < kNoLimit && (limit_ == 0 || limit < limit_)) {
      limit_ = limit;
      folder_ = std::move(folder);
      version_2_ = version_2;
    }
    const std::size_t slash = path.rfind('/');
    if (path.empty() || slash == std::string::npos) return;
    path.resize(slash);
  }
}

MemoryUse MemoryGroup::use() const {
  if (folder_.empty()) {
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return {number_after("RssAnon:", root_ + "/proc/self/status") * kKiB,
            tcp_pages(root_ + "/proc/self/net/sockstat") * page};
  }
  const std::string stat = folder_ + "/memory.stat";
  if (version_2_) return {number_after("anon", stat), number_after("sock", stat)};
  return {number_after("total_rss", stat), number_in(folder_ + "/memory.kmem.tcp.usage_in_bytes")};
}

}  // namespace crier::cmd
