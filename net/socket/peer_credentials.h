// Who is at the other end of a Unix socket, and who may be.
#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "core/result.h"

namespace crier::net {

// As the kernel noted them when the peer connected. pid is 0 where the peer is in a PID namespace
// that we do not see.
struct PeerCredentials {
  pid_t pid = 0;
  uid_t uid = static_cast<uid_t>(-1);
  gid_t gid = static_cast<gid_t>(-1);
  std::vector<gid_t> groups;  // The peer's others; none where the kernel does not tell them.
};

// Requires: `fd` is a connected Unix stream socket; Errc::os if it is anything else.
[[nodiscard]] Result<PeerCredentials> peer_credentials(int fd);

// Is this process in a user namespace with hardly anybody in it, as PrivateUsers= of a unit makes?
// There the kernel says "nobody" of most peers.
bool peers_are_hidden();

// The users and groups that may connect. A peer is allowed if its user is listed, or one of the
// groups its process was in when it connected, as for a file's mode: a user new to a group is in it
// after the next login. Two empty lists allow everybody, because then the socket's mode decides
// alone.
//
// Names are looked up once, in make(), which may block on the name service for a moment. Immutable
// once made; any thread.
class PeerList {
 public:
  // Allows everybody.
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
