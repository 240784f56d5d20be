// Who may open the daemon's Unix sockets, and who may replace them.
#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/running_daemon.h"

namespace crier::tests {
namespace {

namespace fs = std::filesystem;

mode_t mode_of_socket(const std::string& path) {
  struct stat status{};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  REQUIRE(S_ISSOCK(status.st_mode));
  return status.st_mode & 07777;
}

TEST_CASE("the admin socket is not open to publishers") {
  const RunningDaemon daemon({.settings = {"publish.mode=0666"}, .admin_socket = true});
  CHECK(mode_of_socket(daemon.publish_path()) == 0666);
  CHECK(mode_of_socket(daemon.admin_path()) == 0600);
  CHECK(daemon.admin_get("/healthz").status == 200);
}

TEST_CASE("a socket in a directory that a group may write to is refused, with its key") {
  const bool admin = GENERATE(false, true);
  std::string directory = (fs::temp_directory_path() / "crier-test-XXXXXX").string();
  REQUIRE(::mkdtemp(directory.data()) != nullptr);
  const std::string safe = directory + "/safe";
  REQUIRE(fs::create_directory(safe));
  REQUIRE(::chmod(directory.c_str(), 0775) == 0);
  const auto failed = RunningDaemon::run_to_exit(
      {"http.listen=127.255.255.250:8080",
       "admin.listen=" + (admin ? "unix:" + directory + "/a" : "127.255.255.250:8081"),
       "publish.socket=" + (admin ? safe : directory) + "/p", "limits.streams_max=1000"});
  INFO(failed.output);
  CHECK(failed.code == 78);
  CHECK(failed.output.find((admin ? "admin.listen: " : "publish.socket: ") +
                           ("the directory " + directory) + " of the socket may be written to") !=
        std::string::npos);
  fs::remove_all(directory);
}

}  // namespace
}  // namespace crier::tests
