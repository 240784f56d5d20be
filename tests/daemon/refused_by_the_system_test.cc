// A system that refuses what the daemon needs to start: said in a sentence, exit code 1.
#include <sys/syscall.h>

#include <cerrno>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

struct RefusedCase {
  const char* name;
  FailingCall call;
  const char* told;
};

TEST_CASE("what the system refuses at the start is told, and the exit code is 1") {
  const auto row = GENERATE(values<RefusedCase>({
      {"a descriptor table for each worker", {SYS_unshare, EPERM}, "workers.own_descriptor_table"},
      {"descriptors for the loops", {SYS_epoll_create1, EMFILE}, "LimitNOFILE="},
      {"watching a descriptor", {SYS_epoll_ctl, ENOSPC}, "fs.epoll.max_user_watches"},
  }));
  INFO(row.name);
  const auto failed = RunningDaemon::run_to_exit(
      {"http.listen=127.255.255.250:8080", "admin.listen=127.255.255.250:8081",
       "publish.socket=/tmp/crier-refused/publish.sock", "limits.streams_max=1000",
       "workers.count=3", "workers.own_descriptor_table=on"},
      row.call);
  INFO(failed.output);
  CHECK(failed.code == 1);
  CHECK(failed.output.find("crier serve: ") != std::string::npos);
  CHECK(failed.output.find(row.told) != std::string::npos);
  CHECK(failed.output.find("bug") == std::string::npos);
}

}  // namespace
}  // namespace crier::tests
