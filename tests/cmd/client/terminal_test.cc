#include "cmd/client/terminal.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

TEST_CASE("standard streams that are closed become /dev/null, the others stay") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    struct stat null{};
    ::stat("/dev/null", &null);
    ::close(STDIN_FILENO);
    ::close(STDERR_FILENO);
    struct stat before{};
    ::fstat(STDOUT_FILENO, &before);
    need_standard_streams();
    struct stat after[3] = {};
    for (int fd = 0; fd < 3; ++fd) ::fstat(fd, &after[fd]);
    const bool right = after[0].st_rdev == null.st_rdev && after[2].st_rdev == null.st_rdev &&
                       after[1].st_ino == before.st_ino;
    ::_exit(right ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace crier::cmd
