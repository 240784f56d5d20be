#include "cmd/system/socket_path.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <vector>

#include "tests/support/catch.h"

namespace crier::cmd {
namespace {

namespace fs = std::filesystem;

// A directory with its own /run, /tmp and user's runtime directory.
class Surroundings {
 public:
  Surroundings() {
    char name[] = "/tmp/crier-test-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    root_ = name;
    where_ = {.uid = ::geteuid(),
              .crier_socket = "",
              .xdg_runtime_dir = root_ + "/xdg",
              .run = root_ + "/run",
              .tmp = root_ + "/tmp"};
  }
  ~Surroundings() {
    for (const int fd : sockets_) ::close(fd);
    fs::remove_all(root_);
  }
  Surroundings(const Surroundings&) = delete;
  Surroundings& operator=(const Surroundings&) = delete;

  SocketSurroundings& where() { return where_; }
  const std::string& root() const { return root_; }
  std::string in_tmp() const {
    return root_ + "/tmp/crier-" + std::to_string(where_.uid) + "/publish.sock";
  }

  void make_socket(const std::string& path) {
    fs::create_directories(fs::path(path).parent_path());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    sockets_.push_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(sockets_.back(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  }

 private:
  std::string root_;
  SocketSurroundings where_;
  std::vector<int> sockets_;
};

TEST_CASE("the daemon's socket depends on the user that runs it") {
  SocketSurroundings where{.uid = 0, .xdg_runtime_dir = "/run/user/0"};
  CHECK(default_publish_socket(where) == "/run/crier/publish.sock");
  where.uid = 1000;
  where.xdg_runtime_dir = "/run/user/1000";
  CHECK(default_publish_socket(where) == "/run/user/1000/crier/publish.sock");
  where.xdg_runtime_dir = "";
  CHECK(default_publish_socket(where) == "/tmp/crier-1000/publish.sock");
  where.xdg_runtime_dir = "relative";  // The specification says to ignore a relative path.
  CHECK(default_publish_socket(where) == "/tmp/crier-1000/publish.sock");
  where.crier_socket = "/elsewhere";
  CHECK(default_publish_socket(where) == "/elsewhere");
  CHECK(find_publish_socket(where) == "/elsewhere");
}

TEST_CASE("a client takes the first socket there is") {
  Surroundings surroundings;
  auto& where = surroundings.where();
  const std::string of_system = surroundings.root() + "/run/crier/publish.sock";
  const std::string own = surroundings.root() + "/xdg/crier/publish.sock";
  CHECK(find_publish_socket(where) == of_system);
  surroundings.make_socket(surroundings.in_tmp());
  CHECK(find_publish_socket(where) == surroundings.in_tmp());
  const std::string of_unit = surroundings.root() + "/run/crier-publish/publish.sock";
  surroundings.make_socket(of_unit);
  CHECK(find_publish_socket(where) == of_unit);
  surroundings.make_socket(of_system);
  CHECK(find_publish_socket(where) == of_system);
  surroundings.make_socket(own);
  CHECK(find_publish_socket(where) == own);
}

TEST_CASE("a socket in another user's directory is not trusted") {
  Surroundings surroundings;
  surroundings.make_socket(surroundings.in_tmp());
  // A directory is not trusted if its owner is not the user in its name.
  const std::string in_tmp = surroundings.in_tmp();
  auto& where = surroundings.where();
  where.uid += 1;
  fs::rename(fs::path(in_tmp).parent_path(), fs::path(surroundings.in_tmp()).parent_path());
  CHECK(find_publish_socket(where) == surroundings.root() + "/run/crier/publish.sock");
}

}  // namespace
}  // namespace crier::cmd
