#include "cmd/system/supervisor.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

#include "tests/support/catch.h"
#include "tests/support/datagram_receiver.h"

namespace crier::cmd {
namespace {

// A scripted service manager for this process.
class Manager {
 public:
  Manager() {
    ::setenv("NOTIFY_SOCKET", receiver_.address().c_str(), 1);
    ::setenv("WATCHDOG_USEC", "10000000", 1);
  }
  ~Manager() {
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  // The next message that it got; empty if there is none.
  std::string told() { return receiver_.receive(); }

 private:
  tests::DatagramReceiver receiver_;
};

TEST_CASE("without a service manager nothing is sent") {
  Supervisor supervisor;
  CHECK_FALSE(supervisor.present());
  CHECK(supervisor.alive_interval_ms() == 0);
  supervisor.ready();
  supervisor.retry();
}

TEST_CASE("a watchdog of another process is none of ours") {
  Manager manager;
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  CHECK(Supervisor().alive_interval_ms() == 2'500);
  ::setenv("WATCHDOG_PID", std::to_string(::getppid()).c_str(), 1);
  CHECK(Supervisor().alive_interval_ms() == 0);
}

TEST_CASE("a watchdog's interval that is no number is none") {
  Manager manager;
  ::setenv("WATCHDOG_USEC", "10s", 1);
  CHECK(Supervisor().alive_interval_ms() == 0);
}

TEST_CASE("a daemon without a descriptor left is alive, ready and stopping") {
  Manager manager;
  Supervisor supervisor;
  REQUIRE(supervisor.present());
  CHECK(supervisor.alive_interval_ms() == 2'500);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  supervisor.ready();
  supervisor.alive(true);
  supervisor.stopping(5);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  CHECK(manager.told() == "READY=1");
  CHECK(manager.told() == "WATCHDOG=1");
  CHECK(manager.told() == "STOPPING=1\nEXTEND_TIMEOUT_USEC=5000000");
}

TEST_CASE("messages without room in the manager's queue are sent again, except the status") {
  Manager manager;
  Supervisor supervisor;
  for (int i = 0; i < 10'000; ++i) supervisor.status("busy");
  supervisor.ready();
  supervisor.alive(true);
  supervisor.retry();
  while (manager.told() == "STATUS=busy") {
  }
  supervisor.retry();
  CHECK(manager.told() == "READY=1");
  CHECK(manager.told() == "WATCHDOG=1");
  supervisor.retry();
  CHECK(manager.told().empty());
}

TEST_CASE("a daemon that hangs does not report itself alive") {
  Manager manager;
  Supervisor supervisor;
  for (int i = 0; i < 10'000; ++i) supervisor.status("busy");
  supervisor.alive(true);
  supervisor.alive(false);
  while (manager.told() == "STATUS=busy") {
  }
  supervisor.retry();
  CHECK(manager.told().empty());
}

}  // namespace
}  // namespace crier::cmd
