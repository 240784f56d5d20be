#include "cmd/cli/interrupt.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

constexpr int kRanOn = 7;

// Runs `child` in a process of its own, which SIGINT may end. Returns its exit code, or -1.
int exit_code_of(const std::function<void()>& child) {
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid == 0) {
    exit_on_interrupt();
    child();
    ::_exit(kRanOn);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_CASE("an interrupt ends the command well") {
  CHECK(exit_code_of([] {}) == kRanOn);
  CHECK(exit_code_of([] { ::raise(SIGINT); }) == 0);
}

TEST_CASE("an interrupt waits until an event's output is whole") {
  int ends[2] = {-1, -1};
  REQUIRE(::pipe(ends) == 0);
  const int code = exit_code_of([&] {
    const Uninterrupted whole;
    ::raise(SIGINT);
    (void)!::write(ends[1], "x", 1);
  });
  CHECK(code == 0);
  ::close(ends[1]);
  char room[2];
  CHECK(::read(ends[0], room, sizeof(room)) == 1);
  ::close(ends[0]);
}

TEST_CASE("a second interrupt does not wait") {
  int ends[2] = {-1, -1};
  REQUIRE(::pipe(ends) == 0);
  const int code = exit_code_of([&] {
    const Uninterrupted whole;
    ::raise(SIGINT);
    ::raise(SIGINT);
    (void)!::write(ends[1], "x", 1);
  });
  CHECK(code == 0);
  ::close(ends[1]);
  char room[2];
  CHECK(::read(ends[0], room, sizeof(room)) == 0);
  ::close(ends[0]);
}

}  // namespace
}  // namespace crier::cmd
