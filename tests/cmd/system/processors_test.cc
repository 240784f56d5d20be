// The processors and their places, from the /sys of several machines and of this one.
#include "cmd/system/processors.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "cmd/daemon/preflight.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using Numbers = std::vector<unsigned>;
using Usable = std::vector<config::Processor>;

struct SystemCase {
  const char* name;
  std::vector<std::pair<const char*, const char*>> nodes;     // node0 and its list.
  std::vector<std::pair<const char*, const char*>> siblings;  // cpu0 and its list.
  Numbers allowed;
  Usable wanted;
};

TEST_CASE("processors are located by the nodes and cores in /sys") {
  const auto row = GENERATE(values<SystemCase>({
      {"no /sys", {}, {}, {0, 1}, {{0, 0, 0}, {1, 0, 0}}},
      {"one node", {{"node0", "0-1\n"}}, {}, {0, 1}, {{0, 0, 0}, {1, 0, 0}}},
      {"two nodes, with a hole in their numbers",
       {{"node0", "0-1\n"}, {"node2", "2-3\n"}},
       {{"cpu0", "0\n"}, {"cpu1", "1\n"}, {"cpu2", "2\n"}, {"cpu3", "3\n"}},
       {0, 1, 2, 3},
       {{0, 0, 0}, {1, 0, 0}, {2, 2, 0}, {3, 2, 0}}},
      {"a node of memory alone",
       {{"node0", "0-1\n"}, {"node1", "\n"}},
       {},
       {0, 1},
       {{0, 0, 0}, {1, 0, 0}}},
      {"other files among the nodes",
       {{"nodes", "0\n"}, {"node1x", "0\n"}, {"node3", "0\n"}},
       {},
       {0},
       {{0, 3, 0}}},
      {"two threads a core",
       {{"node0", "0-3\n"}},
       {{"cpu0", "0,2\n"}, {"cpu1", "1,3\n"}, {"cpu2", "0,2\n"}, {"cpu3", "1,3\n"}},
       {0, 1, 2, 3},
       {{0, 0, 0}, {1, 0, 0}, {2, 0, 1}, {3, 0, 1}}},
      {"a second thread whose first may not be used",
       {{"node0", "0-3\n"}},
       {{"cpu1", "0-1\n"}, {"cpu2", "2-3\n"}, {"cpu3", "2-3\n"}},
       {1, 2, 3},
       {{1, 0, 0}, {2, 0, 0}, {3, 0, 1}}},
      {"one that went offline has no files",
       {{"node0", "0,2\n"}},
       {{"cpu0", "0\n"}, {"cpu2", "2\n"}},
       {0, 2},
       {{0, 0, 0}, {2, 0, 0}}},
      {"nonsense", {{"node0", "all\n"}}, {{"cpu0", "x\n"}}, {0}, {{0, 0, 0}}},
  }));
  INFO(row.name);
  char directory[] = "/tmp/crier-test-XXXXXX";
  REQUIRE(::mkdtemp(directory) != nullptr);
  const std::string root = directory;
  const auto write = [&](const std::string& path, const char* text) {
    const fs::path file = root + "/sys/devices/system/" + path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  };
  for (const auto& [node, list] : row.nodes) write(std::string("node/") + node + "/cpulist", list);
  for (const auto& [processor, list] : row.siblings) {
    write(std::string("cpu/") + processor + "/topology/thread_siblings_list", list);
  }
  CHECK(located(row.allowed, root) == row.wanted);
  fs::remove_all(root);
}

TEST_CASE("a pinned thread may run on that processor alone, and no other thread is") {
  const Numbers before = allowed_processors();
  REQUIRE_FALSE(before.empty());
  const unsigned last = before.back();
  Numbers after;
  Result<void> pinned;
  Result<void> absent;
  std::thread([&] {
    pinned = pin_this_thread(last);
    after = allowed_processors();
    absent = pin_this_thread(8'191);
  }).join();
  CHECK(pinned);
  CHECK(after == Numbers{last});
  CHECK(allowed_processors() == before);
  REQUIRE_FALSE(absent);
  CHECK_THAT(absent.error().detail,
             ContainsSubstring("processor 8191") && ContainsSubstring("workers.affinity"));
}

config::Machine machine_with(Numbers numbers) {
  config::Machine machine;
  for (const unsigned number : numbers) machine.processors.push_back({.number = number});
  return machine;
}

TEST_CASE("a start knows each worker's processor, or the reason for none") {
  const config::Machine machine = machine_with({4, 5, 6});
  const std::vector<std::string> four = {"workers.affinity=auto", "workers.count=4"};
  const auto shared = preflight(std::nullopt, four, machine);
  REQUIRE(shared);
  REQUIRE(shared->places.size() == 4);
  CHECK(shared->places[3].number == 4);
  REQUIRE(shared->warnings.size() == 1);
  CHECK_THAT(shared->warnings[0], ContainsSubstring("lower workers.count"));

  const std::vector<std::string> listed = {"workers.affinity=6,4"};
  const auto two = preflight(std::nullopt, listed, machine);
  REQUIRE(two);
  CHECK(two->workers == 2);
  CHECK(two->places[0].number == 6);
  CHECK(two->warnings.empty());
  CHECK(preflight(std::nullopt, listed, machine, 3)->workers == 3);

  const std::vector<std::string> other = {"workers.affinity=3-4"};
  const auto refused = preflight(std::nullopt, other, machine);
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error()[0],
             ContainsSubstring("lists 3, but the processors that crier may use are 4-6;"));
  CHECK(preflight(std::nullopt, {}, machine)->places.empty());
}

TEST_CASE("steering with descriptor tables that one worker may fill is a warning") {
  const std::vector<std::string> set = {"workers.affinity=auto", "workers.steering=cpu",
                                        "workers.own_descriptor_table=on", "workers.count=1"};
  const auto checked = preflight(std::nullopt, set, machine_with({0}));
  REQUIRE(checked);
  REQUIRE(checked->warnings.size() == 1);
  CHECK_THAT(checked->warnings[0],
             ContainsSubstring("workers.steering") && ContainsSubstring("LimitNOFILE="));
}

}  // namespace
}  // namespace crier::cmd
