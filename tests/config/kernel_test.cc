#include "config/kernel.h"

#include <algorithm>
#include <set>
#include <string>

#include "tests/support/catch.h"

using namespace crier::config;

namespace {

KernelNeed need_of(const Config& config, const Machine& machine = {}) {
  const Budget budget = budget_of(config, 2);
  return kernel_need(config, budget, fit(config, budget, machine), machine);
}

std::optional<Goal> goal_of(std::string_view name, const KernelNeed& need) {
  const auto rows = kernel_parameters();
  const auto row = std::ranges::find(rows, name, &KernelParameter::name);
  REQUIRE(row != rows.end());
  return row->goal(need);
}

struct JudgeCase {
  const char* name;
  Goal goal;
  const char* current;
  std::optional<bool> good;
  const char* better;
};

TEST_CASE("auto needs no more of the kernel than there are open files") {
  const Config config;
  const Machine machine{.descriptors_max = 20'000};
  const Budget budget = budget_of(config, 2, machine);
  const KernelNeed need = kernel_need(config, budget, fit(config, budget, machine), machine);
  CHECK(need.connections == budget.streams + budget.requests);
  CHECK(need.watches == need.connections);
  CHECK(need.connections < need.descriptors);
  CHECK(need.descriptors <= 20'000);
}

TEST_CASE("a parameter is judged field by field and only ever improved") {
  const auto row = GENERATE(values<JudgeCase>({
      {"enough", {{{Better::higher, 100}}, {}}, "100", true, "100"},
      {"more than enough", {{{Better::higher, 100}}, {}}, "4096", true, "4096"},
      {"too little", {{{Better::higher, 100}}, {}}, "99\n", false, "100"},
      {"too long", {{{Better::lower, 30}}, {}}, "60", false, "30"},
      {"shorter already", {{{Better::lower, 30}}, {}}, "15", true, "15"},
      {"one field of three",
       {{{}, {Better::higher, 500}, {Better::higher, 700}}, {}},
       "9\t600\t650",
       false,
       "9 600 700"},
      {"a range is widened, never narrowed",
       {{{Better::lower, 16'384}, {Better::higher, 60'999}}, {}},
       "1024 50000",
       false,
       "1024 60999"},
      {"a word", {{}, "bbr"}, "cubic\n", false, "bbr"},
      {"the word", {{}, "bbr"}, "bbr\n", true, "bbr"},
      {"fewer fields than known", {{{Better::higher, 1}, {Better::higher, 1}}, {}}, "5", {}, ""},
      {"not a number", {{{Better::higher, 1}}, {}}, "max", {}, ""},
      {"a number with a tail", {{{Better::higher, 1}}, {}}, "5k", {}, ""},
      {"beyond 64 bits", {{{Better::higher, 1}}, {}}, "18446744073709551616", {}, ""},
      {"nothing", {{{Better::higher, 1}}, {}}, "", {}, ""},
  }));
  INFO(row.name);
  CHECK(meets(row.goal, row.current) == row.good);
  if (row.good) {
    CHECK(improved(row.goal, row.current) == row.better);
    CHECK(meets(row.goal, improved(row.goal, row.current)) == true);
  }
}

TEST_CASE("every row has a name of its own, a reason and a goal that can be met") {
  Config config;
  config.kernel.bbr = true;
  config.socket = {.send_buffer_bytes = 0, .unsent_low_water_bytes = 0};
  std::set<std::string_view> names;
  for (const KernelParameter& row : kernel_parameters()) {
    INFO(row.name);
    CHECK(names.insert(row.name).second);
    CHECK(row.why.ends_with("."));
    if (const auto goal = row.goal(need_of(config))) CHECK_FALSE(to_text(*goal).empty());
  }
}

TEST_CASE("needs grow with what the machine can hold, not with what it never will") {
  Config config;
  config.limits.streams_max = 1'000'000;
  const auto many = goal_of("fs.epoll.max_user_watches", need_of(config));
  const auto few =
      goal_of("fs.epoll.max_user_watches", need_of(config, {.descriptors_max = 20'000}));
  REQUIRE(many);
  const auto short_of_watches =
      goal_of("fs.epoll.max_user_watches", need_of(config, {.watches_max = 20'000}));
  REQUIRE(few);
  CHECK(many->fields[0].value > 1'000'000);
  CHECK(few->fields[0].value < 100'000);
  CHECK(short_of_watches->fields[0].value > 1'000'000);
}

TEST_CASE("what crier sets on each socket is not asked of the kernel") {
  Config config;
  for (const char* name :
       {"net.ipv4.tcp_wmem", "net.ipv4.tcp_notsent_lowat", "net.ipv4.tcp_congestion_control"}) {
    INFO(name);
    CHECK_FALSE(goal_of(name, need_of(config)));
  }
  CHECK(goal_of("net.core.wmem_max", need_of(config))->fields[0].value ==
        config.socket.send_buffer_bytes);
  config.socket = {.send_buffer_bytes = 0, .unsent_low_water_bytes = 0};
  config.kernel.bbr = true;
  CHECK(goal_of("net.ipv4.tcp_wmem", need_of(config)));
  CHECK(goal_of("net.ipv4.tcp_notsent_lowat", need_of(config)));
  CHECK(to_text(*goal_of("net.ipv4.tcp_congestion_control", need_of(config))) == "bbr");
  CHECK_FALSE(goal_of("net.core.wmem_max", need_of(config)));
}

struct MemoryCase {
  const char* name;
  std::uint64_t memory_bytes;
  std::uint64_t page_bytes;
  std::uint64_t connections;
  std::uint64_t pressure;
  std::uint64_t most;
};

TEST_CASE("buffers of TCP are never wanted beyond a share of the memory") {
  constexpr std::uint64_t kGiB = 1ULL << 30;
  const auto row = GENERATE(values<MemoryCase>({
      {"few connections", 8 * kGiB, 4'096, 4'000, 16'000, 24'000},
      {"a million on 64 GiB", 64 * kGiB, 4'096, 1'000'000, 4'000'000, 6'000'000},
      {"a million on 8 GiB: 2 GiB, 3 GiB", 8 * kGiB, 4'096, 1'000'000, 524'288, 786'432},
      {"the same in pages of 64 KiB", 8 * kGiB, 65'536, 1'000'000, 32'768, 49'152},
      {"few in pages of 64 KiB", 8 * kGiB, 65'536, 4'000, 1'000, 1'500},
      {"memory unknown", 0, 4'096, 1'000'000, 4'000'000, 6'000'000},
  }));
  INFO(row.name);
  const auto goal = goal_of("net.ipv4.tcp_mem", {.connections = row.connections,
                                                 .send_buffer_bytes = 65'536,
                                                 .memory_bytes = row.memory_bytes,
                                                 .page_bytes = row.page_bytes});
  REQUIRE(goal);
  CHECK(goal->fields[1].value == row.pressure);
  CHECK(goal->fields[2].value == row.most);
  const KernelNeed need = need_of({}, {.memory_bytes = 5 * kGiB, .page_bytes = 16'384});
  CHECK(need.memory_bytes == 5 * kGiB);
  CHECK(need.page_bytes == 16'384);
}

TEST_CASE("more local ports are wanted only where the kernel's own are too few for a proxy") {
  constexpr const char* kRange = "net.ipv4.ip_local_port_range";
  CHECK_FALSE(goal_of(kRange, {.connections = 28'000}));
  const auto goal = goal_of(kRange, {.connections = 28'001});
  REQUIRE(goal);
  CHECK(to_text(*goal) == "at most 16384, at least 60999");
}

}  // namespace
