#include "net/socket/peer_credentials.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

#include "net/socket/fd.h"
#include "tests/support/catch.h"

using namespace crier;
using namespace crier::net;

namespace {

using Names = std::vector<std::string>;

PeerList list_of(const Names& users, const Names& groups) {
  auto list = PeerList::make(users, groups);
  REQUIRE(list.has_value());
  return std::move(*list);
}

// A user who belongs to a group that is not its own, as the system's database has it.
struct Membership {
  uid_t user = 0;
  gid_t group = 0;
  bool found = false;
};

Membership any_membership() {
  Membership membership;
  ::setgrent();
  while (const group* each = ::getgrent()) {
    if (each->gr_mem[0] == nullptr) continue;
    const passwd* user = ::getpwnam(each->gr_mem[0]);
    if (user == nullptr || user->pw_gid == each->gr_gid) continue;
    membership = {.user = user->pw_uid, .group = each->gr_gid, .found = true};
    break;
  }
  ::endgrent();
  return membership;
}

}  // namespace

TEST_CASE("a list is refused where the kernel hides who peers are") {
  CHECK_FALSE(peers_are_hidden());
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const std::string map = "0 " + std::to_string(::getuid()) + " 1\n";
    if (::unshare(CLONE_NEWUSER) != 0) ::_exit(2);
    const Fd file(::open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC));
    if (::write(file.get(), map.data(), map.size()) < 0) ::_exit(2);
    const auto listed = PeerList::make(Names{"0"}, Names{});
    const auto open = PeerList::make(Names{}, Names{});
    const bool named =
        !listed && listed.error().detail.find("PrivateUsers=no") != std::string::npos;
    ::_exit(named && open && peers_are_hidden() ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 2) return;  // A system without user namespaces for us.
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("the kernel says who is at the other end of a Unix socket") {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  const Fd one(ends[0]);
  const Fd other(ends[1]);
  const auto peer = peer_credentials(one.get());
  REQUIRE(peer.has_value());
  CHECK(peer->pid == ::getpid());
  CHECK(peer->uid == ::geteuid());
  CHECK(peer->gid == ::getegid());
}

TEST_CASE("other descriptors have no peer") {
  const Fd tcp(::socket(AF_INET, SOCK_STREAM, 0));
  const Fd file(::open("/dev/null", O_RDONLY));
  CHECK(peer_credentials(tcp.get()).error().code == Errc::os);
  CHECK(peer_credentials(file.get()).error().code == Errc::os);
}

TEST_CASE("peers are allowed by user, by group, or all") {
  const PeerCredentials peer{.pid = 1, .uid = 4'000'000, .gid = 4'000'001};
  struct Case {
    const char* name;
    Names users;
    Names groups;
    bool allowed;
  };
  const auto [name, users, groups, allowed] = GENERATE(values<Case>({
      {"nobody is listed", {}, {}, true},
      {"the user is", {"1", "4000000"}, {}, true},
      {"another user is", {"4000001"}, {}, false},
      {"the group is", {}, {"4000001"}, true},
      {"another group is", {}, {"4000000"}, false},
      {"the group is, the user is not", {"1"}, {"4000001"}, true},
      {"neither is", {"1"}, {"2"}, false},
  }));
  INFO(name);
  PeerList list = list_of(users, groups);
  CHECK(list.allows(peer) == allowed);
  CHECK(list.allows(peer) == allowed);  // As remembered.
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
  // -1 means "nobody" to the kernel, and no id at all to us.
  const Names minus_one = {"4294967295"};
  CHECK_FALSE(PeerList::make(minus_one, none).has_value());
}

TEST_CASE("the groups a user has in the database count") {
  const auto membership = any_membership();
  // A user's own group stands in where the system has no user with a second one.
  const uid_t user = membership.found ? membership.user : 0;
  const gid_t group = membership.found ? membership.group : ::getpwuid(0)->pw_gid;
  const Names listed = {std::to_string(group)};
  PeerList list = list_of({}, listed);
  CHECK(list.allows({.uid = user, .gid = 4'000'000}));
  CHECK_FALSE(list.allows({.uid = 4'000'000, .gid = 4'000'000}));
}

TEST_CASE("more peers than are remembered are still told apart") {
  PeerList list = list_of({"7"}, {"4000001"});
  for (uid_t uid = 3'000'000; uid < 3'005'000; ++uid) REQUIRE_FALSE(list.allows({.uid = uid}));
  CHECK(list.allows({.uid = 7}));
}
