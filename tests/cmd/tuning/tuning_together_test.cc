// Several daemons on one machine with one record of `crier tune`.
#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "cmd/tuning/kernel_tuner.h"
#include "cmd/tuning/tuning.h"
#include "tests/cmd/command_support.h"
#include "tests/cmd/tuning/tuned_machine.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

using Catch::Matchers::ContainsSubstring;

constexpr config::Kernel kApply{.tuning = config::KernelTuning::apply};

TEST_CASE("the last daemon with kernel.tuning apply restores the values") {
  const TunedMachine machine;
  RecordingSink log;
  KernelTuner one(kApply, machine.need, log, machine.place);
  KernelTuner other(kApply, machine.need, log, machine.place);
  one.start();
  other.start();
  const bool in_order = GENERATE(false, true);
  KernelTuner& first = in_order ? one : other;
  KernelTuner& last = in_order ? other : one;
  first.finish();
  CHECK(machine.get("net.core.somaxconn") == "4096");
  CHECK_THAT(log.lines.back(), ContainsSubstring("another crier"));
  const auto unit = undo_tuning(machine.place, TunedBy::configuration);
  CHECK(unit.in_use);
  CHECK(unit.changed.empty());
  first.finish();
  CHECK(machine.get("net.core.somaxconn") == "4096");
  last.finish();
  CHECK(machine.get("net.core.somaxconn") == "128");
  CHECK_FALSE(machine.recorded());
}

TEST_CASE("a daemon that never started undoes nothing") {
  const TunedMachine machine;
  apply_tuning(machine.examined(), machine.place, TunedBy::configuration);
  RecordingSink log;
  KernelTuner tuner(kApply, machine.need, log, machine.place);
  tuner.finish();
  CHECK(machine.get("net.core.somaxconn") == "4096");
}

TEST_CASE("an undo by hand restores all values, even while a daemon runs") {
  const TunedMachine machine;
  RecordingSink log;
  KernelTuner tuner(kApply, machine.need, log, machine.place);
  tuner.start();
  CHECK(undo_tuning(machine.place, TunedBy::hand).changed.size() == 3);
  CHECK(machine.get("net.core.somaxconn") == "128");
}

TEST_CASE("processes that apply at once keep each other's notes") {
  const TunedMachine machine;
  const auto examined = machine.examined();
  std::vector<TuningOutcome> outcomes(8);
  std::vector<std::thread> threads;
  for (TuningOutcome& outcome : outcomes) {
    threads.emplace_back([&] { outcome = apply_tuning(examined, machine.place); });
  }
  for (std::thread& thread : threads) thread.join();
  std::size_t changed = 0;
  for (const TuningOutcome& outcome : outcomes) {
    CHECK(outcome.problems.empty());
    changed += outcome.changed.size();
  }
  CHECK(changed == 3);
  CHECK(undo_tuning(machine.place).changed.size() == 3);
  CHECK(machine.get("net.core.somaxconn") == "128");
}

TEST_CASE("the wait for a locked record is bounded") {
  TunedMachine machine;
  machine.place.patience_ms = 20;
  apply_tuning(machine.examined(), machine.place);
  auto held = FileLock::take(machine.place.record + ".lock", FileLock::Kind::exclusive, 0600);
  REQUIRE(held);
  machine.set("net.core.somaxconn", "64");
  for (const auto& refused :
       {apply_tuning(machine.examined(), machine.place), undo_tuning(machine.place)}) {
    CHECK(refused.changed.empty());
    REQUIRE(refused.problems.size() == 1);
    CHECK_THAT(refused.problems[0], ContainsSubstring("locked by another process"));
  }
  held->release();
  CHECK(undo_tuning(machine.place).changed.size() == 2);
}

TEST_CASE("a reader of the lock files can delay restoring, but not raising") {
  TunedMachine machine;
  machine.place.patience_ms = 20;
  REQUIRE(use_tuning(machine.place));  // Creates the file.
  const net::Fd strangers(::open((machine.place.record + ".users").c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(strangers);
  struct flock all{};
  all.l_type = F_WRLCK;
  CHECK(::fcntl(strangers.get(), F_OFD_SETLK, &all) != 0);
  REQUIRE(::flock(strangers.get(), LOCK_EX | LOCK_NB) == 0);
  all.l_type = F_RDLCK;
  REQUIRE(::fcntl(strangers.get(), F_OFD_SETLK, &all) == 0);

  CHECK(use_tuning(machine.place));
  const auto applied = apply_tuning(machine.examined(), machine.place, TunedBy::configuration);
  CHECK(applied.problems.empty());
  CHECK(applied.changed.size() == 3);
  CHECK(undo_tuning(machine.place, TunedBy::configuration).in_use);
  CHECK(undo_tuning(machine.place, TunedBy::hand).changed.size() == 3);
}

TEST_CASE("a lock is shared or exclusive") {
  const TunedMachine machine;
  const std::string path = machine.place.root + "/lock";
  using Kind = FileLock::Kind;
  auto first = FileLock::take(path, Kind::shared, 0644);
  REQUIRE(first);
  auto second = FileLock::take(path, Kind::shared, 0644);
  REQUIRE(second);
  CHECK(FileLock::take(path, Kind::exclusive, 0644).error().code == Errc::address_in_use);
  first->release();
  CHECK_FALSE(FileLock::take(path, Kind::exclusive, 0644));
  *second = FileLock();
  const auto alone = FileLock::take(path, Kind::exclusive, 0644);
  CHECK(alone);
  CHECK_FALSE(FileLock::take(path, Kind::shared, 0644));
  CHECK(FileLock::take(path + "/under", Kind::shared, 0644).error().code == Errc::os);
}

}  // namespace
}  // namespace crier::cmd
