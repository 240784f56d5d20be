#include "cmd/tuning/tuning.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "cmd/tuning/kernel_tuner.h"
#include "tests/cmd/command_support.h"
#include "tests/cmd/tuning/tuned_machine.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

TEST_CASE("parameters are examined as they are") {
  const TunedMachine machine;
  CHECK(machine.verdict("net.core.somaxconn") == Verdict::below);
  CHECK(machine.verdict("net.ipv4.tcp_syncookies") == Verdict::fine);
  CHECK(machine.verdict("net.ipv4.tcp_wmem") == Verdict::unneeded);
  CHECK(machine.verdict("net.core.wmem_max") == Verdict::absent);
  CHECK(machine.verdict(config::kOpenFiles) == Verdict::fine);
  machine.set("net.core.somaxconn", "many");
  CHECK(machine.verdict("net.core.somaxconn") == Verdict::odd);
}

TEST_CASE("the command that mends names parameter and value") {
  const TunedMachine machine;
  std::string commands;
  for (const Examined& one : machine.examined()) {
    if (one.verdict == Verdict::below) commands += how_to_change(one) + "\n";
  }
  CHECK_THAT(commands, ContainsSubstring("sysctl -w net.core.somaxconn=4096\n"));
  CHECK_THAT(commands, ContainsSubstring("sysctl -w net.ipv4.tcp_mem='10 16000 24000'\n"));
  const std::string file = sysctl_file(machine.examined());
  CHECK_THAT(file, ContainsSubstring("net.core.somaxconn = 4096\n"));
  CHECK_THAT(file, ContainsSubstring("net.ipv4.tcp_syncookies = 1\n"));
  CHECK_THAT(file, !ContainsSubstring("wmem_max") && !ContainsSubstring("RLIMIT"));
}

TEST_CASE("what was raised is restored") {
  const TunedMachine machine;
  const auto applied = apply_tuning(machine.examined(), machine.place);
  CHECK(applied.problems.empty());
  CHECK(applied.changed.size() == 3);
  CHECK(machine.get("net.core.somaxconn") == "4096");
  CHECK(machine.get("net.ipv4.tcp_fin_timeout") == "30");
  CHECK(machine.get("net.ipv4.tcp_mem") == "10 16000 24000");
  const auto record = read_tuning_record(machine.place.record);
  REQUIRE(record);
  REQUIRE(record->size() == 3);
  CHECK(record->front().before == "128");
  CHECK(record->front().after == "4096");
  CHECK(record->front().at.size() == 20);

  const auto undone = undo_tuning(machine.place);
  CHECK(undone.problems.empty());
  CHECK(undone.changed.size() == 3);
  CHECK(machine.get("net.core.somaxconn") == "128");
  CHECK(machine.get("net.ipv4.tcp_mem") == "10 20 30");
  CHECK_FALSE(machine.recorded());
  CHECK(undo_tuning(machine.place).changed.empty());
}

TEST_CASE("if no value is too low, no record is written") {
  TunedMachine machine;
  machine.need = {.descriptors = 10};
  machine.set("net.ipv4.tcp_fin_timeout", "10");
  CHECK(apply_tuning(machine.examined(), machine.place).changed.empty());
  CHECK_FALSE(machine.recorded());
}

TEST_CASE("after a crash the oldest value is what is restored") {
  TunedMachine machine;
  apply_tuning(machine.examined(), machine.place);
  machine.need.backlog = 65'535;  // The next daemon needs more.
  const auto again = apply_tuning(machine.examined(), machine.place);
  REQUIRE(again.changed.size() == 1);
  CHECK(again.changed[0].before == "4096");
  CHECK(undo_tuning(machine.place).problems.empty());
  CHECK(machine.get("net.core.somaxconn") == "128");
  CHECK(machine.get("net.ipv4.tcp_fin_timeout") == "60");
}

TEST_CASE("a value that was changed since is left alone") {
  const TunedMachine machine;
  apply_tuning(machine.examined(), machine.place);
  machine.set("net.core.somaxconn", "9999");
  const auto undone = undo_tuning(machine.place);
  CHECK(undone.changed.size() == 2);
  REQUIRE(undone.problems.size() == 1);
  CHECK_THAT(undone.problems[0],
             ContainsSubstring("net.core.somaxconn") && ContainsSubstring("9999"));
  CHECK(machine.get("net.core.somaxconn") == "9999");
  CHECK_FALSE(machine.recorded());
}

TEST_CASE("nothing is changed without a record") {
  TunedMachine machine;
  machine.place.record = machine.place.root + "/absent/record.json";
  const auto applied = apply_tuning(machine.examined(), machine.place);
  CHECK(applied.changed.empty());
  CHECK(applied.problems.size() == 1);
  CHECK(machine.get("net.core.somaxconn") == "128");
}

TEST_CASE("a record that others can write, or that is invalid, restores nothing") {
  const TunedMachine machine;
  apply_tuning(machine.examined(), machine.place);
  SECTION("written by others") {
    ::chmod(machine.place.record.c_str(), 0666);
  }
  SECTION("not JSON") {
    std::ofstream(machine.place.record) << "{";
  }
  SECTION("empty") {
    fs::resize_file(machine.place.record, 0);
  }
  SECTION("another JSON") {
    std::ofstream(machine.place.record) << R"({"changes": [{"a": 1}]})";
  }
  SECTION("a number that is none of ours") {
    std::ofstream(machine.place.record)
        << R"({"changes": [{"parameter": "net.core.somaxconn", "before": "128", "after": "4096",
               "at": "", "uid": 0, "pid": 1e99}]})";
  }
  SECTION("a link") {
    fs::rename(machine.place.record, machine.place.record + ".real");
    fs::create_symlink(machine.place.record + ".real", machine.place.record);
  }
  const auto undone = undo_tuning(machine.place);
  CHECK(undone.changed.empty());
  CHECK(undone.problems.size() == 1);
  CHECK(machine.get("net.core.somaxconn") == "4096");
}

TEST_CASE("a record cannot name what the table does not") {
  const TunedMachine machine;
  machine.set("kernel.core_pattern", "core");
  std::ofstream(machine.place.record)
      << R"({"changes": [{"parameter": "kernel.core_pattern", "before": "|/evil", "after": "core",
             "at": "", "uid": 0, "pid": 1}]})";
  CHECK(undo_tuning(machine.place).changed.empty());
  CHECK(machine.get("kernel.core_pattern") == "core");
}

TEST_CASE("a start names what falls short in one line that is no warning") {
  const TunedMachine machine;
  RecordingSink log;
  KernelTuner tuner({}, machine.need, log, machine.place);
  tuner.start();
  REQUIRE(log.lines.size() == 1);
  CHECK_THAT(log.lines[0], StartsWith("info ") && ContainsSubstring("crier tune") &&
                               ContainsSubstring("count=3") &&
                               ContainsSubstring("net.core.somaxconn"));
  tuner.finish();
  CHECK(log.lines.size() == 1);
  CHECK(machine.get("net.core.somaxconn") == "128");
}

TEST_CASE("with kernel.tuning off a start says nothing") {
  const TunedMachine machine;
  RecordingSink log;
  KernelTuner tuner({.tuning = config::KernelTuning::off}, machine.need, log, machine.place);
  tuner.start();
  tuner.finish();
  CHECK(log.lines.empty());
  CHECK(tuner.below() == 3);
}

TEST_CASE("a daemon keeps values applied by hand") {
  const TunedMachine machine;
  apply_tuning(machine.examined(), machine.place, TunedBy::hand);
  RecordingSink log;
  KernelTuner tuner({.tuning = config::KernelTuning::apply}, machine.need, log, machine.place);
  tuner.start();
  tuner.finish();
  CHECK(log.lines.empty());
  CHECK(machine.get("net.core.somaxconn") == "4096");
}

TEST_CASE("with kernel.tuning apply a daemon raises values, and restores them at its end") {
  const TunedMachine machine;
  const bool keep = GENERATE(false, true);
  RecordingSink log;
  KernelTuner tuner({.tuning = config::KernelTuning::apply, .keep = keep}, machine.need, log,
                    machine.place);
  tuner.start();
  CHECK(machine.get("net.core.somaxconn") == "4096");
  CHECK(tuner.below() == 0);
  CHECK(log.lines.size() == 3);
  CHECK(machine.recorded());
  tuner.finish();
  CHECK(machine.get("net.core.somaxconn") == (keep ? "4096" : "128"));
  CHECK(machine.recorded() == keep);
  CHECK(log.lines.size() == (keep ? 3 : 6));
}

TEST_CASE("a daemon that may not raise values says why, and which are low") {
  TunedMachine machine;
  machine.place.record = machine.place.root + "/missing/record.json";
  RecordingSink log;
  KernelTuner tuner({.tuning = config::KernelTuning::apply}, machine.need, log, machine.place);
  tuner.start();
  REQUIRE(log.lines.size() == 2);
  CHECK_THAT(log.lines[0],
             ContainsSubstring("kernel.tuning is apply, but cannot open the lock file"));
  CHECK_THAT(log.lines[1], StartsWith("warning ") && ContainsSubstring("count=3"));
}

TEST_CASE("metrics can read each number of a parameter") {
  const TunedMachine machine;
  RecordingSink log;
  KernelTuner tuner({}, machine.need, log, machine.place);
  tuner.look();
  for (std::size_t row = 0; row < tuner.all().size(); ++row) {
    if (tuner.all()[row].parameter->name != "net.ipv4.tcp_mem") continue;
    CHECK(tuner.value(row, 2) == 30.0);
    CHECK_FALSE(tuner.value(row, 3).has_value());
  }
}

TEST_CASE("crier tune prints a table, a sysctl file, and JSON") {
  const auto table = run_command({"tune", "--set", "limits.streams_max=1000"});
  CHECK(table.code == kExitOk);
  CHECK_THAT(table.out, ContainsSubstring("net.core.somaxconn") && ContainsSubstring("VERDICT"));
  const auto every = run_command({"tune", "--all", "--set", "limits.streams_max=1000"});
  CHECK_THAT(every.out, ContainsSubstring("net.core.default_qdisc") &&
                            ContainsSubstring("\n    Every stream is an open file.\n"));
  CHECK_THAT(table.out, !ContainsSubstring("net.core.default_qdisc"));  // kernel.bbr is false.
  const auto values = run_command({"tune", "--json", "--set", "limits.streams_max=1000"});
  CHECK(nlohmann::json::parse(values.out).at("parameters").size() ==
        config::kernel_parameters().size());
  CHECK_THAT(run_command({"tune", "--sysctl"}).out, ContainsSubstring("sysctl --system"));
  CHECK(run_command({"tune", "--apply", "--undo"}).code == kExitMisused);
  CHECK(run_command({"tune", "--if-configured"}).code == kExitMisused);
  const auto idle = run_command({"tune", "--apply", "--if-configured"});
  CHECK(idle.code == kExitOk);
  CHECK_THAT(idle.out, ContainsSubstring("nothing is changed"));
}

TEST_CASE("what crier tune prints fits into 120 columns") {
  for (const char* streams : {"limits.streams_max=1000", "limits.streams_max=16000000"}) {
    const auto ran = run_command({"tune", "--all", "--set", streams, "--set", "kernel.bbr=true",
                                  "--set", "socket.send_buffer_bytes=0"});
    std::istringstream lines(ran.out);
    for (std::string line; std::getline(lines, line);) {
      INFO(line);
      CHECK(line.size() <= 120);
    }
  }
}

TEST_CASE("crier tune shows its table where not a single stream is possible") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit few{.rlim_cur = 60, .rlim_max = 60};
    const bool limited = ::setrlimit(RLIMIT_NOFILE, &few) == 0;
    const auto ran = run_command({"tune"});
    const bool told = ran.err.contains("LimitNOFILE=") && ran.out.contains("VERDICT") &&
                      ran.out.contains("not those of crier.service");
    ::_exit(limited && told && ran.code == kExitOk ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}

}  // namespace
}  // namespace crier::cmd
