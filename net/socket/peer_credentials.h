// The user and groups of the peer of a Unix socket, and lists of those that may connect.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "core/result.h"

namespace crier::net {

// The peer's ids, as the kernel noted them when it connected. pid is 0 if the peer is in a PID
// namespace that this process cannot see.
struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
  std::vector<gid_t> groups;  // Supplementary groups; empty if the kernel does not give them.
};

// Requires: `fd` is a connected Unix stream socket; Errc::os if it is anything else.
[[nodiscard]] Result<PeerCredentials> peer_credentials(int fd);

// Returns true in a user namespace that has only a few users, as PrivateUsers= of a unit makes one.
// There most peers have the user "nobody".
bool peers_are_hidden();

// The users and groups that may connect. A peer is allowed if its user is listed, or a group that
// its process was in when it connected; so a user who is added to a group must log in again first.
// Two empty lists allow every peer: the socket's mode alone decides then.
//
// Names are looked up once, in make(), which may block on the name service for a moment. Immutable
// once made; any thread.
class PeerList {
 public:
  // Allows every peer.
  PeerList() = default;
  // Names or decimal ids. Fails with Errc::invalid_config, naming the first that is unknown,
  // or where this process is in a user namespace in which the kernel cannot name most peers.
  [[nodiscard]] static Result<PeerList> make(std::span<const std::string> users,
                                             std::span<const std::string> groups);

  bool allows(const PeerCredentials& peer) const;

 private:
  std::vector<uid_t> users_;
  std::vector<gid_t> groups_;
};

}  // namespace crier::net
