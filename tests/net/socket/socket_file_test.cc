#include "net/socket/socket_file.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "net/socket/descriptor_table.h"
#include "net/socket/fd.h"
#include "tests/net/http/http_server_support.h"

namespace crier::net {
namespace {

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;
using http_test::Directory;

struct stat status_of(const std::string& path) {
  struct stat status{};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

Fd bound_socket(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  return fd;
}

// Why the directory is refused; empty if it is not.
std::string refusal_of(const std::string& directory) {
  const auto prepared = prepare_socket_directory(directory + "/s");
  if (prepared) return {};
  CHECK(prepared.error().code == Errc::invalid_config);
  return prepared.error().detail;
}

TEST_CASE("a socket's directory is made, once") {
  Directory scratch;
  const std::string directory = scratch.path + "/new";
  REQUIRE(prepare_socket_directory(directory + "/s"));
  CHECK((status_of(directory).st_mode & 0077) == (::geteuid() == 0 ? 0055 : 0));
  CHECK(prepare_socket_directory(directory + "//s"));
  CHECK_THAT(refusal_of(scratch.path + "/no/such"), ContainsSubstring("create that"));
}

struct ModeCase {
  mode_t mode;
  const char* refusal;
};

TEST_CASE("a directory in which others could replace the socket is refused") {
  const auto row = GENERATE(values<ModeCase>({
      {0755, ""},
      {0775, "may be written to by its group, who could replace the socket; chmod g-w it"},
      {02770, "may be written to by its group"},
      {0777, "may be written to by everybody, who could replace the socket; chmod go-w it"},
      {0757, "may be written to by everybody"},
      {01777, ""},
      {03770, ""},
  }));
  CAPTURE(row.mode);
  Directory scratch;
  const std::string directory = scratch.path + "/d";
  fs::create_directory(directory);
  REQUIRE(::chmod(directory.c_str(), row.mode) == 0);
  if (*row.refusal == '\0') {
    CHECK(refusal_of(directory).empty());
  } else {
    CHECK_THAT(refusal_of(directory),
               ContainsSubstring(directory + " of the socket ") && ContainsSubstring(row.refusal));
  }
}

TEST_CASE("a socket's directory is a directory, and no other user's") {
  Directory scratch;
  const std::string directory = scratch.path + "/d";
  fs::create_directory(directory);
  fs::create_symlink(directory, scratch.path + "/link");
  CHECK_THAT(refusal_of(scratch.path + "/link"), ContainsSubstring("symbolic link"));
  CHECK_THAT(refusal_of(scratch.path + "/link/"), ContainsSubstring("symbolic link"));
  std::ofstream(scratch.path + "/file") << "x";
  CHECK_THAT(refusal_of(scratch.path + "/file"), ContainsSubstring("not a directory"));
  if (::geteuid() != 0) {
    WARN("not tested: only root may give files away");
    return;
  }
  REQUIRE(::chown(directory.c_str(), 65'534, 65'534) == 0);
  CHECK_THAT(refusal_of(directory), ContainsSubstring("another user (uid 65534)"));
}

TEST_CASE("a socket file has the rights asked for") {
  Directory scratch;
  const std::string path = scratch.path + "/s";
  const Fd socket = bound_socket(path);
  const bool root = ::geteuid() == 0;
  SocketFileRights rights{.mode = 0640};
  if (root) rights.group = 54'321;
  REQUIRE(protect_socket_file(path, rights));
  const struct stat status = status_of(path);
  CHECK((status.st_mode & 07777) == 0640);
  CHECK(status.st_uid == ::geteuid());
  if (root) CHECK(status.st_gid == 54'321);
}

TEST_CASE("a thread with a descriptor table of its own may protect a socket file") {
  Directory scratch;
  const std::string path = scratch.path + "/s";
  const Fd socket = bound_socket(path);
  bool apart = false;
  bool done = false;
  std::thread([&] {
    apart = leave_shared_table().has_value();
    done = protect_socket_file(path, {.mode = 0640}).has_value();
  }).join();
  CHECK(apart);
  CHECK(done);
  CHECK((status_of(path).st_mode & 07777) == 0640);
}

TEST_CASE("what took the place of a socket file keeps its rights") {
  Directory scratch;
  const std::string path = scratch.path + "/s";
  const std::string other = scratch.path + "/other";
  const bool link = GENERATE(true, false);
  const Fd socket = bound_socket(other);
  if (link) {
    fs::create_symlink(other, path);
  } else {
    std::ofstream(path) << "x";
  }
  REQUIRE(::chmod((link ? other : path).c_str(), 0600) == 0);
  const auto refused = protect_socket_file(path, {.mode = 0666});
  REQUIRE_FALSE(refused.has_value());
  CHECK_THAT(refused.error().detail, ContainsSubstring("replaced the socket " + path));
  CHECK((status_of(link ? other : path).st_mode & 07777) == 0600);
}

}  // namespace
}  // namespace crier::net
