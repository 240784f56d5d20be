#include "cmd/system/memory_group.h"

#include <unistd.h>

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
  std::uint64_t anonymous;
  std::uint64_t sockets;
};

TEST_CASE("what counts towards the limit is read from the group that has it") {
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto row = GENERATE_COPY(values<UseCase>({
      {"version 2",
       {{"/proc/self/cgroup", "0::/a/b\n"},
        {"/sys/fs/cgroup/a/memory.max", "1000\n"},
        {"/sys/fs/cgroup/a/memory.stat", "anon 300\nfile 900\nkernel 7\nsock 20\n"},
        {"/sys/fs/cgroup/a/b/memory.stat", "anon 1\nsock 2\n"}},
       300,
       20},
      {"version 1",
       {{"/proc/self/cgroup", "4:memory:/x\n"},
        {"/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "1000\n"},
        {"/sys/fs/cgroup/memory/x/memory.stat", "cache 5\nrss 6\ntotal_cache 9\ntotal_rss 40\n"},
        {"/sys/fs/cgroup/memory/x/memory.kmem.tcp.usage_in_bytes", "50\n"}},
       40,
       50},
      {"no limit",
       {{"/proc/self/cgroup", "0::/a\n"},
        {"/sys/fs/cgroup/a/memory.max", "max\n"},
        {"/sys/fs/cgroup/a/memory.stat", "anon 300\nsock 20\n"},
        {"/proc/self/status", "Name:\tcrier\nVmRSS:\t  90 kB\nRssAnon:\t  12 kB\n"},
        {"/proc/self/net/sockstat", "sockets: used 9\nTCP: inuse 3 orphan 0 tw 1 alloc 4 mem 5\n"}},
       12 * 1'024,
       5 * page},
      {"nothing there", {}, 0, 0},
      {"damaged",
       {{"/proc/self/cgroup", "0::/a\n"},
        {"/sys/fs/cgroup/a/memory.max", "1000\n"},
        {"/sys/fs/cgroup/a/memory.stat", "anon\nanonymous 3\nsock x\n"}},
       0,
       0},
  }));
  INFO(row.name);
  const Files files;
  for (const auto& [path, content] : row.files) files.write(path, content);
  const MemoryUse use = MemoryGroup(files.root()).use();
  CHECK(use.anonymous == row.anonymous);
  CHECK(use.sockets == row.sockets);
}

TEST_CASE("this process uses memory") {
  CHECK(MemoryGroup().use().anonymous > 100'000);
}

}  // namespace
}  // namespace crier::cmd
