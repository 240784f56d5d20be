// What the record of `crier tune` keeps, and what it restores.
#include <sys/prctl.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "cmd/tuning.h"
#include "tests/cmd/tuned_machine.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

TEST_CASE("what somebody set between two applies is what is restored") {
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

TEST_CASE("what was noted but never changed is not said to be restored") {
  const TunedMachine machine;
  apply_tuning(machine.examined(), machine.place);
  machine.set("net.core.somaxconn", "128");  // As after a crash before the write.
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
  CHECK_THAT(undone.problems[0], Contains("net.core.of_another_crier") && Contains("old"));
  CHECK(machine.get("net.core.of_another_crier") == "new");
  CHECK(machine.recorded());

  machine.set("net.core.of_another_crier", "old");  // By hand.
  CHECK(undo_tuning(machine.place).problems.empty());
  CHECK_FALSE(machine.recorded());
}

TEST_CASE("a value that the kernel made something else of is restored too") {
  const TunedMachine machine;
  constexpr const char* kName = "net.ipv4.tcp_slow_start_after_idle";
  // A parameter with a mind of its own: 0 becomes the thread's default.
  REQUIRE(::prctl(PR_SET_TIMERSLACK, 60'000UL) == 0);
  fs::create_symlink("/proc/self/timerslack_ns", machine.file(kName));
  const auto applied = apply_tuning(machine.examined(), machine.place);
  REQUIRE(applied.problems.size() == 1);
  CHECK_THAT(applied.problems[0], Contains(kName));
  const std::string made = machine.get(kName);
  REQUIRE(made != "60000");
  REQUIRE(made != "0");
  CHECK(undo_tuning(machine.place).problems.empty());
  CHECK(machine.get(kName) == "60000");
  ::prctl(PR_SET_TIMERSLACK, 0UL);
}

}  // namespace
}  // namespace crier::cmd
