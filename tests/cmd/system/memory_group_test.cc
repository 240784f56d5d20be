#include "cmd/system/memory_group.h"

#include <optional>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/files.h"

namespace crier::cmd {
namespace {

struct GroupCase {
  const char* name;
  const char* groups;
  std::vector<std::pair<const char*, const char*>> limits;
  std::uint64_t bytes;
};

TEST_CASE("the smallest limit of the control groups counts") {
  const auto row = GENERATE(values<GroupCase>({
      {"no groups", "", {}, 0},
      {"version 2", "0::/a/b\n", {{"/sys/fs/cgroup/a/b/memory.max", "1000\n"}}, 1'000},
      {"no limit", "0::/a/b\n", {{"/sys/fs/cgroup/a/b/memory.max", "max\n"}}, 0},
      {"of the group above",
       "0::/a/b\n",
       {{"/sys/fs/cgroup/a/memory.max", "500\n"}, {"/sys/fs/cgroup/a/b/memory.max", "1000\n"}},
       500},
      {"at the root, in a namespace", "0::/\n", {{"/sys/fs/cgroup/memory.max", "7\n"}}, 7},
      {"version 1",
       "4:cpu,memory:/x\n1:name=systemd:/\nodd\n",
       {{"/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "300\n"},
        {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"}},
       300},
      {"another controller",
       "4:cpu:/x\n",
       {{"/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "3"}},
       0},
  }));
  INFO(row.name);
  const Files files;
  files.write("/proc/self/cgroup", row.groups);
  for (const auto& [path, content] : row.limits) files.write(path, content);
  CHECK(MemoryGroup(files.root()).limit() == row.bytes);
}

struct UseCase {
  const char* name;
  std::vector<std::pair<const char*, const char*>> files;
  std::optional<std::uint64_t> anonymous;
  std::optional<std::uint64_t> sockets;
};

TEST_CASE("what this process uses is its own memory, and its own group's sockets") {
  const auto row = GENERATE(values<UseCase>({
      {"version 2",
       {{"/proc/self/cgroup", "0::/a/b\n"},
        {"/proc/self/status", "Name:\tcrier\nRssAnonX:\t 3 kB\nRssAnon:\t  12 kB\n"},
        {"/sys/fs/cgroup/a/memory.stat", "anon 300\nsock 20\n"},
        {"/sys/fs/cgroup/a/b/memory.stat", "anon 1\nsocket 7\nsock 2\n"}},
       12 * 1'024,
       2},
      {"version 1, beside version 2",
       {{"/proc/self/cgroup", "4:memory:/x\n0::/\n"},
        {"/sys/fs/cgroup/memory.stat", "sock 9\n"},
        {"/sys/fs/cgroup/memory/x/memory.kmem.tcp.usage_in_bytes", "50\n"}},
       std::nullopt,
       50},
      {"nothing there", {}, std::nullopt, std::nullopt},
      {"damaged",
       {{"/proc/self/cgroup", "0::/a\n"},
        {"/proc/self/status", "RssAnon:\tx kB\n"},
        {"/sys/fs/cgroup/a/memory.stat", "sock\n"}},
       std::nullopt,
       std::nullopt},
  }));
  INFO(row.name);
  const Files files;
  for (const auto& [path, content] : row.files) files.write(path, content);
  const MemoryUse use = MemoryGroup(files.root()).use();
  CHECK(use.anonymous == row.anonymous);
  CHECK(use.sockets == row.sockets);
}

TEST_CASE("this process uses memory") {
  CHECK(MemoryGroup().use().anonymous.value_or(0) > 100'000);
}

}  // namespace
}  // namespace crier::cmd
