#include "net/socket/unix_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "net/socket/fd.h"
#include "tests/net/http/http_server_support.h"

using namespace crier;
using namespace crier::net;
using crier::net::http_test::Directory;

namespace {

bool exists(const std::string& path) {
  return std::filesystem::exists(std::filesystem::symlink_status(path));
}

mode_t mode_of(const std::string& path) {
  struct stat info{};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return info.st_mode & 07777;
}

bool can_connect(const std::string& path) {
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

// A socket file: stale, or with `listening` that of another program.
Fd foreign_socket(const std::string& path, bool listening) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  if (listening) REQUIRE(::listen(fd.get(), 1) == 0);
  return fd;
}

Error refused(const UnixSocketOptions& options) {
  auto listener = UnixListener::open(options);
  REQUIRE_FALSE(listener.has_value());
  UNSCOPED_INFO(listener.error().detail);
  return listener.error();
}

}  // namespace

TEST_CASE("a publish socket has the mode asked for, whatever the umask") {
  const auto [umask_now, mode] = GENERATE(table<mode_t, mode_t>({
      {0022, 0660},
      {0077, 0666},
      {0000, 0600},
  }));
  Directory directory;
  const std::string path = directory.path + "/publish.sock";
  const mode_t umask_before = ::umask(umask_now);
  auto listener = UnixListener::open({.path = path, .mode = mode});
  CHECK(::umask(umask_before) == umask_now);  // The umask is as before.
  REQUIRE(listener.has_value());
  CHECK(mode_of(path) == mode);
  CHECK(mode_of(path + ".lock") == 0600);
  CHECK(can_connect(path));
}

TEST_CASE("owner and group are set if they are given") {
  if (::geteuid() != 0) {
    WARN("not tested: only root may change the owner of a file");
    return;
  }
  Directory directory;
  const std::string path = directory.path + "/s";
  auto listener = UnixListener::open({.path = path, .owner = 12'345, .group = 54'321});
  REQUIRE(listener.has_value());
  struct stat info{};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  CHECK(info.st_uid == 12'345);
  CHECK(info.st_gid == 54'321);
}

TEST_CASE("a closed listener leaves no socket, and the path is free again") {
  Directory directory;
  const std::string path = directory.path + "/s";
  {
    auto listener = UnixListener::open({.path = path});
    REQUIRE(listener.has_value());
    UnixListener moved = std::move(*listener);
    listener->close();  // Leaves an empty directory.
    CHECK(exists(path));
    CHECK(can_connect(path));
    moved.close();
    moved.close();
    CHECK_FALSE(exists(path));
  }
  CHECK(UnixListener::open({.path = path}).has_value());
}

TEST_CASE("a socket that replaced ours is not removed") {
  Directory directory;
  const std::string path = directory.path + "/s";
  auto listener = UnixListener::open({.path = path});
  REQUIRE(listener.has_value());
  REQUIRE(::unlink(path.c_str()) == 0);
  const Fd other = foreign_socket(path, true);
  listener->close();
  CHECK(exists(path));
}

TEST_CASE("a live process keeps its socket, and is named") {
  Directory directory;
  const std::string path = directory.path + "/s";
  std::array<int, 2> ready{};
  REQUIRE(::pipe(ready.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto listener = UnixListener::open({.path = path});
    const char opened = listener.has_value() ? 'y' : 'n';
    if (::write(ready[1], &opened, 1) != 1) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  char opened = 0;
  REQUIRE(::read(ready[0], &opened, 1) == 1);
  REQUIRE(opened == 'y');

  const Error error = refused({.path = path});
  CHECK(error.code == Errc::address_in_use);
  CHECK(error.detail.find(path) != std::string::npos);
  CHECK(error.detail.find("pid " + std::to_string(child)) != std::string::npos);
  CHECK(can_connect(path));

  // A killed process leaves its files behind; the next one replaces them.
  ::kill(child, SIGKILL);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  CHECK(exists(path));
  CHECK_FALSE(can_connect(path));
  auto heir = UnixListener::open({.path = path});
  REQUIRE(heir.has_value());
  CHECK(can_connect(path));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("the lock is seen by another listener of the same process, too") {
  Directory directory;
  const std::string path = directory.path + "/s";
  auto listener = UnixListener::open({.path = path});
  REQUIRE(listener.has_value());
  CHECK(refused({.path = path}).code == Errc::address_in_use);
  CHECK(exists(path));
}

TEST_CASE("files other than our stale socket are kept") {
  Directory directory;
  const std::string path = directory.path + "/s";
  SECTION("a symbolic link") {
    const std::string target = directory.path + "/target";
    std::ofstream(target) << "precious";
    REQUIRE(::symlink(target.c_str(), path.c_str()) == 0);
    const Error error = refused({.path = path});
    CHECK(error.code == Errc::invalid_config);
    CHECK(error.detail.find("symbolic link") != std::string::npos);
    CHECK(std::filesystem::file_size(target) == 8);
  }
  SECTION("a symbolic link to a stale socket") {
    const std::string target = directory.path + "/target";
    const Fd socket = foreign_socket(target, false);
    REQUIRE(::symlink(target.c_str(), path.c_str()) == 0);
    CHECK(refused({.path = path}).code == Errc::invalid_config);
    CHECK(exists(target));
  }
  SECTION("a file") {
    std::ofstream(path) << "precious";
    const Error error = refused({.path = path});
    CHECK(error.code == Errc::invalid_config);
    CHECK(error.detail.find("not a socket") != std::string::npos);
  }
  SECTION("another program's live socket, which has no lock") {
    const Fd socket = foreign_socket(path, true);
    CHECK(refused({.path = path}).code == Errc::address_in_use);
  }
  CHECK(exists(path));
}

TEST_CASE("a lock file that is a symbolic link is not followed") {
  Directory directory;
  const std::string path = directory.path + "/s";
  const std::string target = directory.path + "/target";
  std::ofstream(target) << "precious";
  REQUIRE(::symlink(target.c_str(), (path + ".lock").c_str()) == 0);
  CHECK(refused({.path = path}).code == Errc::os);
  CHECK(std::filesystem::file_size(target) == 8);
}

TEST_CASE("a path that cannot be a socket is refused with the reason") {
  Directory directory;
  const auto detail = [&](const std::string& path) { return refused({.path = path}).detail; };
  CHECK(detail(directory.path + "/" + std::string(120, 'x')).find("107") != std::string::npos);
  CHECK(detail(directory.path + "/no/such/s").find("/no/such") != std::string::npos);
  CHECK(detail("").find("does not name") != std::string::npos);
  CHECK(detail(directory.path + "/").find("does not name") != std::string::npos);
  std::ofstream(directory.path + "/file") << "x";
  CHECK(detail(directory.path + "/file/s").find("not a directory") != std::string::npos);
}

TEST_CASE("a socket's directory is created, and has to be safe") {
  Directory directory;
  const std::string path = directory.path + "/new/s";
  CHECK(UnixListener::open({.path = path}).has_value());
  REQUIRE(::chmod((directory.path + "/new").c_str(), 0770) == 0);
  const Error error = refused({.path = path});
  CHECK(error.code == Errc::invalid_config);
  CHECK(error.detail.find("written to by its group") != std::string::npos);
  CHECK_FALSE(exists(path));
}
