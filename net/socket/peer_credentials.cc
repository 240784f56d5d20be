#include "net/socket/peer_credentials.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fstream>

#include "net/socket/accounts.h"
#include "net/socket/os_error.h"

namespace crier::net {

namespace {

template <typename Id>
bool contains(const std::vector<Id>& ids, Id id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

std::vector<gid_t> supplementary_groups(int fd) {
  std::vector<gid_t> groups(32);
  auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  while (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) {
    // With ERANGE, `size` becomes what is needed. It stays so: the groups are those of connect().
    if (errno != ERANGE || size <= groups.size() * sizeof(gid_t)) return {};
    groups.resize(size / sizeof(gid_t));
  }
  groups.resize(size / sizeof(gid_t));
  return groups;
}

}  // namespace

bool peers_are_hidden() {
  constexpr std::uint64_t kOrdinary = 65'536;  // Containers have as many users, or more.
  std::ifstream map("/proc/self/uid_map");
  std::uint64_t inside = 0;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
  std::uint64_t all = 0;
  bool any = false;
  while (map >> inside >> outside >> count) {
    any = true;
    all += count;
  }
  return any && all < kOrdinary;
}

Result<PeerCredentials> peer_credentials(int fd) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return os_failure("cannot ask for the peer's credentials");
  }
  // A socket of another family has no peer to name; the kernel then says "nobody" without an error.
  if (credentials.uid == static_cast<uid_t>(-1)) {
    return fail(Errc::os, "the peer of this socket has no credentials");
  }
  return PeerCredentials{.pid = credentials.pid,
                         .uid = credentials.uid,
                         .gid = credentials.gid,
                         .groups = supplementary_groups(fd)};
}

Result<PeerList> PeerList::make(std::span<const std::string> users,
                                std::span<const std::string> groups) {
  PeerList list;
  if (!(users.empty() && groups.empty()) && peers_are_hidden()) {
    return fail(Errc::invalid_config,
                "publish.users and publish.groups cannot be checked in a user namespace that hides "
                "who publishers are; set PrivateUsers=no in a drop-in of the unit");
  }
  for (const std::string& name : users) {
    const auto uid = find_user(name);
    if (!uid) return fail(Errc::invalid_config, "there is no user \"" + name + "\" on this system");
    list.users_.push_back(*uid);
  }
  for (const std::string& name : groups) {
    const auto gid = find_group(name);
    if (!gid) {
      return fail(Errc::invalid_config, "there is no group \"" + name + "\" on this system");
    }
    list.groups_.push_back(*gid);
  }
  return list;
}

bool PeerList::allows(const PeerCredentials& peer) const {
  if (users_.empty() && groups_.empty()) return true;
  if (contains(users_, peer.uid) || contains(groups_, peer.gid)) return true;
  return std::ranges::any_of(peer.groups, [&](gid_t gid) { return contains(groups_, gid); });
}

}  // namespace crier::net
