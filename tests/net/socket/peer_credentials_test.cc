#include "net/socket/peer_credentials.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "net/socket/fd.h"
#include "tests/support/catch.h"
#include "tests/support/failing_call.h"

using namespace crier;
using namespace crier::net;

namespace {

using Names = std::vector<std::string>;

PeerList list_of(const Names& users, const Names& groups) {
  auto list = PeerList::make(users, groups);
  REQUIRE(list.has_value());
  return std::move(*list);
}

std::pair<Fd, Fd> connected_pair() {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

template <typename Act>
int exit_code_of_child(Act&& act) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(act());
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("a list of peers is refused if the kernel hides their users") {
  CHECK_FALSE(peers_are_hidden());
  const int exit_code = exit_code_of_child([] {
    const std::string map = "0 " + std::to_string(::getuid()) + " 1\n";
    if (::unshare(CLONE_NEWUSER) != 0) return 2;
    const Fd file(::open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC));
    if (::write(file.get(), map.data(), map.size()) < 0) return 2;
    const auto listed = PeerList::make(Names{"0"}, Names{});
    const auto open = PeerList::make(Names{}, Names{});
    const bool named =
        !listed && listed.error().detail.find("PrivateUsers=no") != std::string::npos;
    return named && open && peers_are_hidden() ? 0 : 1;
  });
  if (exit_code == 2) {
    WARN("not tested: this system allows no user namespaces here");
    return;
  }
  CHECK(exit_code == 0);
}

TEST_CASE("the kernel tells the credentials of a Unix socket's peer") {
  const auto [one, other] = connected_pair();
  const auto peer = peer_credentials(one.get());
  REQUIRE(peer.has_value());
  CHECK(peer->pid == ::getpid());
  CHECK(peer->uid == ::geteuid());
  CHECK(peer->gid == ::getegid());
}

TEST_CASE("the groups of the process that connected are told, however many") {
  const std::size_t count = GENERATE(std::size_t{0}, 1, 32, 33, 1'000);
  std::vector<gid_t> wanted(count);
  std::iota(wanted.begin(), wanted.end(), 4'000'000U);
  bool may = false;
  // In a child process, because glibc sets the groups of every thread.
  const int exit_code = exit_code_of_child([&] {
    may = ::setgroups(wanted.size(), wanted.data()) == 0;
    if (!may) return 2;
    const auto [one, other] = connected_pair();
    return peer_credentials(one.get())->groups == wanted ? 0 : 1;
  });
  if (exit_code == 2) {
    WARN("not tested: only root may set groups");
    return;
  }
  CHECK(exit_code == 0);
}

TEST_CASE("if the kernel does not tell a peer's groups, only its own group counts") {
  const auto [one, other] = connected_pair();
  const bool filtered = crier::tests::while_failing(
      {SYS_getsockopt, ENOPROTOOPT, SO_PEERGROUPS, 2}, [fd = one.get()] {
        const auto peer = peer_credentials(fd);
        REQUIRE(peer.has_value());
        CHECK(peer->groups.empty());
        CHECK(list_of({}, {std::to_string(::getegid())}).allows(*peer));
      });
  if (!filtered) WARN("not tested: no filters of system calls here");
}

TEST_CASE("other descriptors have no peer") {
  const Fd tcp(::socket(AF_INET, SOCK_STREAM, 0));
  const Fd file(::open("/dev/null", O_RDONLY));
  CHECK(peer_credentials(tcp.get()).error().code == Errc::os);
  CHECK(peer_credentials(file.get()).error().code == Errc::os);
}

TEST_CASE("peers are allowed by user, by group, or all") {
  const PeerCredentials peer{
      .pid = 1, .uid = 4'000'000, .gid = 4'000'001, .groups = {4'000'002, 4'000'003}};
  struct Case {
    const char* name;
    Names users;
    Names groups;
    bool allowed;
  };
  const auto [name, users, groups, allowed] = GENERATE(values<Case>({
      {"no user is listed", {}, {}, true},
      {"the user is", {"1", "4000000"}, {}, true},
      {"another user is", {"4000001"}, {}, false},
      {"the group is", {}, {"4000001"}, true},
      {"one of its other groups is", {}, {"1", "4000003"}, true},
      {"another group is", {}, {"4000000"}, false},
      {"the group is, the user is not", {"1"}, {"4000001"}, true},
      {"neither is", {"1"}, {"2"}, false},
  }));
  INFO(name);
  const PeerList list = list_of(users, groups);
  CHECK(list.allows(peer) == allowed);
}

TEST_CASE("names are looked up") {
  PeerList list = list_of({"root"}, {});
  CHECK(list.allows({.uid = 0, .gid = 99}));
  CHECK_FALSE(list.allows({.uid = 1, .gid = 0}));
  PeerList groups = list_of({}, {"root"});
  CHECK(groups.allows({.uid = 4'000'000, .gid = 0}));
}

TEST_CASE("an unknown name is an error that names it") {
  const Names unknown = {"no-such-name-here"};
  const Names none;
  const auto users = PeerList::make(unknown, none);
  REQUIRE_FALSE(users.has_value());
  CHECK(users.error().code == Errc::invalid_config);
  CHECK(users.error().detail.find("user \"no-such-name-here\"") != std::string::npos);
  const auto groups = PeerList::make(none, unknown);
  REQUIRE_FALSE(groups.has_value());
  CHECK(groups.error().detail.find("group \"no-such-name-here\"") != std::string::npos);
  // The kernel reads -1 as "no user"; crier refuses it as an id.
  const Names minus_one = {"4294967295"};
  CHECK_FALSE(PeerList::make(minus_one, none).has_value());
}
