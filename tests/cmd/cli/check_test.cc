#include <stdlib.h>
#include <sys/syscall.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "cmd/daemon/preflight.h"
#include "cmd/system/machine.h"
#include "tests/cmd/command_support.h"
#include "tests/support/catch.h"
#include "tests/support/failing_call.h"
#include "tests/support/files.h"

namespace crier::cmd {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a valid file is said to be valid, with what it adds up to") {
  const Files files;
  const std::string file = files.write("/c.json", R"({"limits": {"streams_max": 1000}})");
  const auto ran = run_command({"check", file});
  CHECK(ran.code == kExitOk);
  CHECK_THAT(ran.out, Catch::Matchers::StartsWith(file + " is valid: "));
  CHECK_THAT(ran.out, ContainsSubstring(" with 1000 streams that keep up"));
  CHECK(ran.err.empty());
  const auto verbose =
      run_command({"check", file, "--verbose", "--set", "limits.streams_max=2000"});
  CHECK_THAT(verbose.out,
             ContainsSubstring(" with 2000 streams") && ContainsSubstring("\nall streams open "));
  const auto pinned = run_command({"check", file, "--verbose", "--set", "workers.affinity=auto"});
  CHECK_THAT(pinned.out, ContainsSubstring("\nworkers on processors "));
}

TEST_CASE("every problem of a file is told, with its line") {
  const Files files;
  const std::string file =
      files.write("/c.json",
                  "{\n\"limits\": {\"streams_max\": 0},\n\"nosuch\\u001b\": 1,\n"
                  "\"http\": {\"listen\": 7}}\n");
  const auto ran = run_command({"check", file, "--set", "drain.window_seconds=x"});
  CHECK(ran.code == kExitMisconfigured);
  CHECK(ran.out.empty());
  for (const char* part : {"limits.streams_max", "nosuch", "http.listen", "drain.window_seconds",
                           "c.json:2", "c.json:4"}) {
    CHECK_THAT(ran.err, ContainsSubstring(part));
  }
  CHECK(ran.err.find('\x1B') == std::string::npos);
  CHECK(run_command({"check", files.root() + "/absent.json"}).code == kExitMisconfigured);
}

TEST_CASE("a file's name does not reach the terminal as it is") {
  constexpr const char* kAbsent = "/tmp/crier-\x1b[31m-absent.json";
  for (const auto& words : {std::vector<std::string_view>{"check", kAbsent},
                            std::vector<std::string_view>{"serve", "--config", kAbsent}}) {
    const auto ran = run_command(words);
    CHECK(ran.code == kExitMisconfigured);
    CHECK_THAT(ran.err, ContainsSubstring("\\x1b[31m-absent.json cannot be read"));
  }
}

TEST_CASE("a machine with too little memory for the limits is a reason not to start") {
  const std::vector<std::string> many = {"limits.streams_max=1000000"};
  const auto checked =
      preflight(std::nullopt, many, {.memory_bytes = 1 << 20, .descriptors_max = 0});
  REQUIRE_FALSE(checked);
  REQUIRE(checked.error().size() == 1);
  CHECK_THAT(checked.error()[0], ContainsSubstring("limits.streams_max"));
}

TEST_CASE("too few open files are a warning") {
  const std::vector<std::string> set = {"limits.streams_max=5000", "workers.count=3"};
  const auto few = preflight(std::nullopt, set, {.memory_bytes = 0, .descriptors_max = 1'024});
  REQUIRE(few);
  CHECK(few->workers == 3);
  CHECK(few->config.limits.streams_max == 5'000);
  CHECK(few->fit.streams_possible < 5'000);
  CHECK(few->warnings.size() == 1);
  const auto many = preflight(std::nullopt, set, {.memory_bytes = 0, .descriptors_max = 1'000'000});
  CHECK(many->warnings.empty());
  CHECK(preflight(std::nullopt, {}, {})->workers == cores());
  const auto plain = preflight(std::nullopt, {}, {.memory_bytes = 0, .descriptors_max = 20'000});
  CHECK(plain->warnings.empty());
  CHECK(plain->fit.streams_possible > 15'000);
  const auto none = preflight(std::nullopt, set, {.memory_bytes = 0, .descriptors_max = 80});
  REQUIRE_FALSE(none);
  CHECK_THAT(none.error()[0], ContainsSubstring("LimitNOFILE="));
}

TEST_CASE("if the system forbids tables of workers, all share one, unless they are required") {
  std::vector<std::string> set = {"limits.streams_max=5000", "workers.count=3"};
  const config::Machine machine = {.descriptors_max = 1'024};
  std::optional<Checked> checked;
  const auto check = [&] { checked.emplace(preflight(std::nullopt, set, machine)); };
  const tests::FailingCall forbidden{SYS_unshare, EPERM};
  if (!tests::while_failing(forbidden, check)) return;
  REQUIRE(*checked);
  CHECK_FALSE((*checked)->fit.own_descriptor_tables);
  REQUIRE((*checked)->warnings.size() == 1);
  CHECK_THAT((*checked)->warnings[0], ContainsSubstring("1024 open files for all workers"));

  set.emplace_back("workers.own_descriptor_table=on");
  REQUIRE(tests::while_failing(forbidden, check));
  REQUIRE_FALSE(*checked);
  CHECK_THAT(checked->error().at(0), ContainsSubstring("workers.own_descriptor_table to off"));
}

TEST_CASE("a survey lists all shortages of a configuration that cannot start") {
  const std::vector<std::string> set = {"limits.streams_max=1000000", "workers.count=3"};
  const auto poor = survey(std::nullopt, set, {.memory_bytes = 1 << 20, .descriptors_max = 60});
  REQUIRE(poor);
  REQUIRE(poor->shortages.size() == 2);
  CHECK_THAT(poor->shortages[0], ContainsSubstring("limits.streams_max"));
  CHECK_THAT(poor->shortages[1], ContainsSubstring("LimitNOFILE="));
  CHECK(poor->kernel_need.descriptors > 300'000);
  const auto unwatched = survey(std::nullopt, set, {.watches_max = 10});
  REQUIRE(unwatched);
  REQUIRE(unwatched->shortages.size() == 1);
  CHECK(unwatched->kernel_need.watches > 1'000'000);
  CHECK(survey(std::nullopt, set, {})->shortages.empty());
  const std::vector<std::string> wrong = {"limits.streams_max=0"};
  CHECK_FALSE(survey(std::nullopt, wrong, {}));
}

TEST_CASE("too few epoll watches are a warning that names the sysctl") {
  const std::vector<std::string> set = {"limits.streams_max=5000", "workers.count=3"};
  const auto few = preflight(std::nullopt, set, {.watches_max = 4'000});
  REQUIRE(few);
  CHECK(few->fit.streams_possible < 4'000);
  CHECK(few->fit.requests_possible < few->config.limits.pending_requests_max);
  REQUIRE(few->warnings.size() == 1);
  CHECK_THAT(few->warnings[0], ContainsSubstring("fs.epoll.max_user_watches"));
  CHECK_FALSE(preflight(std::nullopt, set, {.watches_max = 10}));

  const Files files;
  CHECK(epoll_watches_max(files.root()) == 0);
  files.write("/proc/sys/fs/epoll/max_user_watches", "123456\n");
  CHECK(epoll_watches_max(files.root()) == 123'456);
}

TEST_CASE("this machine has cores, memory and open files") {
  const config::Machine machine = this_machine();
  CHECK(cores() >= 1);
  CHECK(machine.processors.size() == cores());
  CHECK(machine.memory_bytes > (1U << 20));
  CHECK(machine.descriptors_max >= 64);
}

TEST_CASE("the generated texts are printed") {
  CHECK(nlohmann::json::parse(run_command({"config", "--schema"}).out).is_object());
  const auto example = run_command({"config", "--example"});
  CHECK(nlohmann::json::parse(example.out, nullptr, true, true).is_object());
  CHECK_THAT(run_command({"config", "--reference"}).out, ContainsSubstring("limits.streams_max"));
  CHECK_THAT(run_command({"config", "--man"}).out, ContainsSubstring("limits.streams_max"));
  const auto without = run_command({"config"});
  CHECK(without.code == kExitMisused);
  CHECK_THAT(without.err,
             ContainsSubstring("one of the options must be given\n\nUsage: crier config"));
  CHECK(run_command({"config", "--schema", "--man"}).code == kExitMisused);
}

TEST_CASE("the example that is printed passes the check") {
  const Files files;
  const std::string file = files.write("/c.json", run_command({"config", "--example"}).out);
  CHECK(run_command({"check", file, "--set", "limits.streams_max=1000"}).code == kExitOk);
}

}  // namespace
}  // namespace crier::cmd
