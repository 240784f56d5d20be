#include "cmd/system/drawn.h"

#include <sys/syscall.h>

#include <cerrno>
#include <cstdint>

#include "tests/support/catch.h"
#include "tests/support/failing_call.h"

namespace crier::cmd {
namespace {

TEST_CASE("numbers are drawn on a system without getrandom()") {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  if (!tests::while_failing({SYS_getrandom, ENOSYS}, [&] {
        first = drawn<std::uint64_t>();
        second = drawn<std::uint64_t>();
      })) {
    return;
  }
  CHECK(first != second);
}

}  // namespace
}  // namespace crier::cmd
