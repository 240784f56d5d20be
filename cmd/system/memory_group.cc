#include "cmd/system/memory_group.h"

#include <algorithm>
#include <fstream>
#include <string_view>
#include <utility>

#include "core/text/decimal.h"
#include "core/units.h"

namespace crier::cmd {
namespace {

// Version 1 shows a higher limit where there is none.
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 60;

// Returns the number on the line that begins with `word`: "anon 4096", "RssAnon:  12 kB". Without a
// word it is the whole first line.
std::optional<std::uint64_t> number_in(const std::string& file, std::string_view word = {}) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    std::string_view rest = line;
    if (!rest.starts_with(word)) continue;
    rest.remove_prefix(word.size());
    const std::string_view blank = word.empty() ? "" : " \t";
    const std::size_t begin = std::min(rest.find_first_not_of(blank), rest.size());
    if (!word.empty() && begin == 0) continue;  // A longer word.
    rest.remove_prefix(begin);
    return parse_decimal<std::uint64_t>(rest.substr(0, rest.find(' ')));
  }
  return std::nullopt;
}

bool lists_memory(std::string_view controllers) {
  return ("," + std::string(controllers) + ",").contains(",memory,");
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
    if (lists_memory(controllers)) {
      const std::string mount = root_ + "/sys/fs/cgroup/memory";
      sockets_file_ = mount + path + "/memory.kmem.tcp.usage_in_bytes";
      consider(mount, std::move(path), "memory.limit_in_bytes");
    } else if (controllers.empty()) {
      const std::string mount = root_ + "/sys/fs/cgroup";
      if (sockets_file_.empty()) {  // Where both versions are in use, version 1 has the memory.
        sockets_file_ = mount + path + "/memory.stat";
        sockets_word_ = "sock";
      }
      consider(mount, std::move(path), "memory.max");
    }
  }
}

// A limit of a group above holds for those below it.
void MemoryGroup::consider(const std::string& mount, std::string path, const char* limit_file) {
  while (true) {
    const std::uint64_t limit = number_in(mount + path + "/" + limit_file).value_or(0);
    if (limit != 0 && limit < kNoLimit && (limit_ == 0 || limit < limit_)) limit_ = limit;
    const std::size_t slash = path.rfind('/');
    if (path.empty() || slash == std::string::npos) return;
    path.resize(slash);
  }
}

MemoryUse MemoryGroup::use() const {
  MemoryUse use{number_in(root_ + "/proc/self/status", "RssAnon:"), {}};
  if (use.anonymous) *use.anonymous *= kKiB;
  if (!sockets_file_.empty()) use.sockets = number_in(sockets_file_, sockets_word_);
  return use;
}

}  // namespace crier::cmd
