#include "cmd/supervisor.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <string>

#include "net/fd.h"
#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

// A service manager as this process sees one.
class Manager {
 public:
  Manager() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const std::string name = "crier-supervisor-test-" + std::to_string(::getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path + 1, name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
    ::setenv("WATCHDOG_USEC", "10000000", 1);
  }
  ~Manager() {
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
  }
  Manager(const Manager&) = delete;
  Manager& operator=(const Manager&) = delete;

  // The next it was told; empty: nothing.
  std::string told() {
    char text[256];
    const ssize_t size = ::recv(socket_.get(), text, sizeof(text), 0);
    return size < 0 ? std::string() : std::string(text, static_cast<std::size_t>(size));
  }

 private:
  net::Fd socket_;
};

TEST_CASE("without a service manager nothing is told") {
  Supervisor supervisor;
  CHECK_FALSE(supervisor.present());
  CHECK(supervisor.alive_interval_ms() == 0);
  supervisor.ready();
  supervisor.retry();
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

TEST_CASE("what the manager's queue has no room for is told again, its status aside") {
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

TEST_CASE("a daemon that hangs does not tell that it was alive") {
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
