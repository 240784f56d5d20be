#include "core/out_of_memory.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <new>
#include <string>

#include "tests/support/catch.h"

namespace {

struct EndedChild {
  int status = 0;
  std::string error;  // Its standard error.
};

// Runs `act` in a child process. `full`: nothing reads its standard error, a full pipe.
template <typename Act>
EndedChild ended_child(Act act, bool full = false) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  if (full) {
    REQUIRE(::fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
    while (::write(ends[1], "x", 1) == 1) {
    }
    REQUIRE(::fcntl(ends[1], F_SETFL, 0) == 0);
  }
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // Not Catch2's handler.
    ::dup2(ends[1], STDERR_FILENO);
    crier::end_when_out_of_memory();
    act();
    ::_exit(0);
  }
  ::close(ends[1]);
  EndedChild ended;
  REQUIRE(::waitpid(child, &ended.status, 0) == child);
  char text[4096];
  if (const ssize_t size = ::read(ends[0], text, sizeof(text)); size > 0 && !full) {
    ended.error.assign(text, static_cast<std::size_t>(size));
  }
  ::close(ends[0]);
  return ended;
}

// As operator new does when malloc returns null.
void refuse_memory() {
  std::get_new_handler()();
}

bool aborted(const EndedChild& ended) {
  return WIFSIGNALED(ended.status) && WTERMSIG(ended.status) == SIGABRT;
}

}  // namespace

TEST_CASE("the process ends with a line when the system refuses memory") {
  const EndedChild ended = ended_child(refuse_memory);
  CHECK(aborted(ended));
  CHECK(ended.error.starts_with("crier: out of memory: "));
  CHECK(ended.error.find('\n') == ended.error.size() - 1);
}

TEST_CASE("an end for want of memory waits for no reader of the line") {
  CHECK(aborted(ended_child(refuse_memory, true)));
}

TEST_CASE("an allocation that may lack memory throws, and only while it may") {
  const EndedChild ended = ended_child([] {
    try {
      const crier::MayLackMemory answered;
      refuse_memory();
    } catch (const std::bad_alloc&) {
      (void)::write(STDERR_FILENO, "thrown ", 7);
    }
    refuse_memory();
  });
  CHECK(aborted(ended));
  CHECK(ended.error.starts_with("thrown crier: out of memory: "));
}
