#include "net/peer_credentials.h"

#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fstream>
#include <limits>
#include <optional>

#include "core/decimal.h"
#include "net/os_error.h"

namespace crier::net {

namespace {

// A peer can come with any uid it may switch to; this many answers are kept.
constexpr std::size_t kRememberedMax = 4'096;
constexpr std::size_t kDatabaseBytesMax = std::size_t{1} << 20;

// All digits is an id, whether the database knows it or not; the highest one means "none" to the
// kernel.
std::optional<std::uint32_t> parse_id(const std::string& text) {
  const auto id = parse_decimal<std::uint32_t>(text);
  return id == std::numeric_limits<std::uint32_t>::max() ? std::nullopt : id;
}

// Calls one of the database's `_r` functions with a buffer that grows until the entry fits.
template <typename Entry, typename Ask>
const Entry* look_up(Entry& entry, std::vector<char>& buffer, Ask&& ask) {
  Entry* found = nullptr;
  for (buffer.resize(4'096); buffer.size() <= kDatabaseBytesMax; buffer.resize(buffer.size() * 2)) {
    const int status = ask(&entry, buffer.data(), buffer.size(), &found);
    if (status != ERANGE) return status == 0 ? found : nullptr;
  }
  return nullptr;
}

std::optional<uid_t> find_user(const std::string& name) {
  if (const auto id = parse_id(name)) return id;
  passwd entry{};
  std::vector<char> buffer;
  const passwd* found =
      look_up(entry, buffer, [&](auto... rest) { return ::getpwnam_r(name.c_str(), rest...); });
  return found == nullptr ? std::nullopt : std::optional(found->pw_uid);
}

std::optional<gid_t> find_group(const std::string& name) {
  if (const auto id = parse_id(name)) return id;
  group entry{};
  std::vector<char> buffer;
  const group* found =
      look_up(entry, buffer, [&](auto... rest) { return ::getgrnam_r(name.c_str(), rest...); });
  return found == nullptr ? std::nullopt : std::optional(found->gr_gid);
}

// A user namespace with hardly anybody in it, as PrivateUsers= of a unit makes: there the kernel
// says "nobody" of most peers.
bool hides_users() {
  constexpr std::uint64_t kOrdinary = 65'536;  // What even a container has.
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

template <typename Id>
bool contains(const std::vector<Id>& ids, Id id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

}  // namespace

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
  return PeerCredentials{.pid = credentials.pid, .uid = credentials.uid, .gid = credentials.gid};
}

Result<PeerList> PeerList::make(std::span<const std::string> users,
                                std::span<const std::string> groups) {
  PeerList list;
  if (!(users.empty() && groups.empty()) && hides_users()) {
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
    if (!gid)
      return fail(Errc::invalid_config, "there is no group \"" + name + "\" on this system");
    list.groups_.push_back(*gid);
  }
  return list;
}

bool PeerList::allows(const PeerCredentials& peer) {
  if (users_.empty() && groups_.empty()) return true;
  if (contains(users_, peer.uid) || contains(groups_, peer.gid)) return true;
  if (groups_.empty()) return false;
  if (const auto known = in_group_.find(peer.uid); known != in_group_.end()) return known->second;
  if (in_group_.size() >= kRememberedMax) in_group_.clear();
  return in_group_[peer.uid] = in_listed_group(peer.uid);
}

bool PeerList::in_listed_group(uid_t uid) const {
  passwd entry{};
  std::vector<char> buffer;
  const passwd* user =
      look_up(entry, buffer, [&](auto... rest) { return ::getpwuid_r(uid, rest...); });
  if (user == nullptr) return false;
  std::vector<gid_t> member_of(64);
  int count = static_cast<int>(member_of.size());
  // On failure `count` becomes the number there would be; the database may grow in between.
  while (::getgrouplist(user->pw_name, user->pw_gid, member_of.data(), &count) < 0) {
    if (count <= static_cast<int>(member_of.size())) return false;
    member_of.resize(static_cast<std::size_t>(count));
  }
  member_of.resize(static_cast<std::size_t>(count));
  return std::any_of(member_of.begin(), member_of.end(),
                     [&](gid_t gid) { return contains(groups_, gid); });
}

}  // namespace crier::net
