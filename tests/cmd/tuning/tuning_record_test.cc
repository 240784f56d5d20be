// The record of `crier tune`: the values that it keeps and restores.
#include <sys/prctl.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/tuning/tuning.h"
#include "tests/cmd/command_support.h"
#include "tests/cmd/tuning/tuned_machine.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a value set between two applies is the one restored") {
  const TunedMachine machine;
  apply_tuning(machine.examined(), machine.place);
  machine.set("net.ipv4.tcp_fin_timeout", "45");
  const auto again = apply_tuning(machine.examined(), machine.place);
  REQUIRE(again.changed.size() == 1);
  CHECK(machine.get("net.ipv4.tcp_fin_timeout") == "30");
  CHECK(undo_tuning(machine.place).problems.empty());
  CHECK(machine.get("net.ipv4.tcp_fin_timeout") == "45");
  CHECK(machine.get("net.core.somaxconn") == "128");
}

TEST_CASE("a value that was noted and never changed is not reported as restored") {
  const TunedMachine machine;
  apply_tuning(machine.examined(), machine.place);
  machine.set("net.core.somaxconn", "128");  // The value as after a crash before the write.
  const auto undone = undo_tuning(machine.place);
  CHECK(undone.problems.empty());
  REQUIRE(undone.changed.size() == 2);
  for (const Change& change : undone.changed) CHECK(change.parameter != "net.core.somaxconn");
  CHECK_FALSE(machine.recorded());
}

TEST_CASE("a noted parameter that the table does not know is named and stays noted") {
  const TunedMachine machine;
  machine.set("net.core.of_another_crier", "new");
  std::ofstream(machine.place.record)
      << R"({"changes": [{"parameter": "net.core.of_another_crier", "before": "old",
             "after": "new", "at": "", "uid": 0, "pid": 1}]})";
  apply_tuning(machine.examined(), machine.place);
  const auto undone = undo_tuning(machine.place);
  CHECK(undone.changed.size() == 3);
  REQUIRE(undone.problems.size() == 1);
  CHECK_THAT(undone.problems[0],
             ContainsSubstring("net.core.of_another_crier") && ContainsSubstring("old"));
  CHECK(machine.get("net.core.of_another_crier") == "new");
  CHECK(machine.recorded());

  machine.set("net.core.of_another_crier", "old");  // By hand.
  CHECK(undo_tuning(machine.place).problems.empty());
  CHECK_FALSE(machine.recorded());
}

TEST_CASE("a value that the kernel changed on writing is restored, too") {
  const TunedMachine machine;
  constexpr const char* kName = "net.ipv4.tcp_slow_start_after_idle";
  // The kernel replaces 0 in this parameter by the thread's default.
  REQUIRE(::prctl(PR_SET_TIMERSLACK, 60'000UL) == 0);
  fs::create_symlink("/proc/self/timerslack_ns", machine.file(kName));
  const auto applied = apply_tuning(machine.examined(), machine.place);
  REQUIRE(applied.problems.size() == 1);
  CHECK_THAT(applied.problems[0], ContainsSubstring(kName));
  const std::string made = machine.get(kName);
  REQUIRE(made != "60000");
  REQUIRE(made != "0");
  CHECK(undo_tuning(machine.place).problems.empty());
  CHECK(machine.get(kName) == "60000");
  ::prctl(PR_SET_TIMERSLACK, 0UL);
}

TEST_CASE("values applied by hand are undone by hand only") {
  const TunedMachine machine;
  apply_tuning(machine.examined(), machine.place, TunedBy::hand);
  CHECK(undo_tuning(machine.place, TunedBy::configuration).changed.empty());
  CHECK(machine.get("net.core.somaxconn") == "4096");
  CHECK(machine.recorded());
  CHECK(undo_tuning(machine.place, TunedBy::hand).changed.size() == 3);
  CHECK(machine.get("net.core.somaxconn") == "128");
  CHECK_FALSE(machine.recorded());
}

TEST_CASE("values applied by the configuration, or by an unknown, are undone by both") {
  const TunedMachine machine;
  const TunedBy by = GENERATE(TunedBy::configuration, TunedBy::hand);
  const bool old = GENERATE(false, true);
  if (old) {
    machine.set("net.core.somaxconn", "4096");
    std::ofstream(machine.place.record)
        << R"({"changes": [{"parameter": "net.core.somaxconn", "before": "128",
               "after": "4096", "at": "", "uid": 0, "pid": 1}]})";
  } else {
    apply_tuning(machine.examined(), machine.place, TunedBy::configuration);
  }
  CHECK(undo_tuning(machine.place, by).problems.empty());
  CHECK(machine.get("net.core.somaxconn") == "128");
  CHECK_FALSE(machine.recorded());
}

TEST_CASE("values applied by hand and by the configuration are undone separately") {
  TunedMachine machine;
  const TunedBy first = GENERATE(TunedBy::configuration, TunedBy::hand);
  const TunedBy second = first == TunedBy::hand ? TunedBy::configuration : TunedBy::hand;
  apply_tuning(machine.examined(), machine.place, first);
  machine.need.backlog = 65'535;
  apply_tuning(machine.examined(), machine.place, second);

  CHECK(undo_tuning(machine.place, TunedBy::configuration).problems.empty());
  // The value last set by hand, or set by hand before the configuration raised it.
  CHECK(machine.get("net.core.somaxconn") == (first == TunedBy::hand ? "4096" : "65535"));
  CHECK(undo_tuning(machine.place, TunedBy::hand).problems.empty());
  CHECK(machine.get("net.core.somaxconn") == "128");
  CHECK(machine.get("net.ipv4.tcp_fin_timeout") == "60");
  CHECK_FALSE(machine.recorded());
}

TEST_CASE("the configuration may raise a value that was set by hand") {
  TunedMachine machine;
  machine.need.backlog = 1'024;
  apply_tuning(machine.examined(), machine.place, TunedBy::configuration);
  machine.need.backlog = 2'048;
  apply_tuning(machine.examined(), machine.place, TunedBy::hand);
  machine.need.backlog = 4'096;
  apply_tuning(machine.examined(), machine.place, TunedBy::configuration);
  const bool all_at_once = GENERATE(false, true);
  if (!all_at_once) {
    undo_tuning(machine.place, TunedBy::configuration);
    CHECK(machine.get("net.core.somaxconn") == "2048");
  }
  undo_tuning(machine.place, TunedBy::hand);
  CHECK(machine.get("net.core.somaxconn") == "128");
  CHECK_FALSE(machine.recorded());
}

TEST_CASE("crier tune --undo --if-configured leaves what was applied by hand, or is to be kept") {
  const TunedMachine machine;
  const bool keep = GENERATE(false, true);
  // Not a real parameter, so that a mistake writes nothing to this machine.
  const std::string by = keep ? "configuration" : "hand";
  std::ofstream(machine.place.record)
      << R"({"changes": [{"parameter": "net.core.of_no_crier", "before": "1", "after": "2",
             "at": "", "uid": 0, "pid": 1, "by": ")"
      << by << R"("}]})";
  std::vector<std::string_view> words{"tune", "--undo", "--if-configured", "--record",
                                      machine.place.record};
  if (keep) words.insert(words.end(), {"--set", "kernel.keep=true"});
  const auto ran = run_command(words);
  CHECK(ran.code == kExitOk);
  CHECK_THAT(ran.out, ContainsSubstring(keep ? "kernel.keep is true" : "nothing to change"));
  CHECK(machine.recorded());
}

TEST_CASE("crier tune --undo works where the configuration has mistakes") {
  const TunedMachine machine;
  const bool if_configured = GENERATE(false, true);
  std::ofstream(machine.place.record)
      << R"({"changes": [{"parameter": "net.core.of_no_crier", "before": "1", "after": "2",
             "at": "", "uid": 0, "pid": 1, "by": "configuration"}]})";
  const std::string file = machine.place.root + "/broken.json";
  std::ofstream(file) << R"({"limits": )";
  std::vector<std::string_view> words{"tune",     "--undo", "--record", machine.place.record,
                                      "--config", file};
  if (if_configured) words.emplace_back("--if-configured");
  const auto ran = run_command(words);
  CHECK_THAT(ran.err, ContainsSubstring("net.core.of_no_crier"));  // It was tried.
  CHECK((ran.err.find("broken.json") != std::string::npos) == if_configured);
}

}  // namespace
}  // namespace crier::cmd
