#include "cmd/system/activation.h"

#include <stdlib.h>
#include <unistd.h>

#include <string>

#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

// What take() returns in such an environment; it must have unset the variables.
Result<Activation> take(pid_t process, const char* count, const char* names) {
  ::setenv("LISTEN_PID", std::to_string(process).c_str(), 1);
  ::setenv("LISTEN_FDS", count, 1);
  if (names != nullptr) ::setenv("LISTEN_FDNAMES", names, 1);
  auto taken = Activation::take();
  CHECK(::getenv("LISTEN_PID") == nullptr);
  CHECK(::getenv("LISTEN_FDS") == nullptr);
  CHECK(::getenv("LISTEN_FDNAMES") == nullptr);
  return taken;
}

TEST_CASE("descriptors for another process are left alone") {
  const auto taken = take(::getppid(), "1", "http");
  REQUIRE(taken);
  CHECK(taken->http.empty());
}

TEST_CASE("a service manager may pass no descriptor") {
  CHECK(take(::getpid(), "0", ""));
  CHECK(take(::getpid(), "", ""));
}

TEST_CASE("each descriptor that is passed must have a name") {
  for (const char* count : {"2", "-1", "1x", "4294967297", "18446744073709551616"}) {
    CAPTURE(count);
    const auto taken = take(::getpid(), count, "http");
    REQUIRE_FALSE(taken);
    CHECK(taken.error().code == Errc::invalid_config);
    CHECK(taken.error().detail.find(std::string("$LISTEN_FDS \"") + count) != std::string::npos);
  }
  CHECK_FALSE(take(::getpid(), "2", nullptr));
}

}  // namespace
}  // namespace crier::cmd
