// Where the publish socket is when nobody says: the daemon and the commands must agree.
//
// $CRIER_SOCKET, if set, says it for both. Else the daemon uses /run/crier/publish.sock as root,
// $XDG_RUNTIME_DIR/crier/publish.sock as anybody else, and /tmp/crier-UID/publish.sock where there
// is no such directory; a client takes the first of the user's own, the system's (the daemon's,
// else that of crier-publish.socket) and the one in /tmp that exists.
#pragma once

#include <sys/types.h>

#include <string>

namespace crier::cmd {

// What the rule depends on. Empty strings count as not set.
struct SocketSurroundings {
  uid_t uid = 0;
  std::string crier_socket;     // $CRIER_SOCKET
  std::string xdg_runtime_dir;  // $XDG_RUNTIME_DIR
  std::string run = "/run";
  std::string tmp = "/tmp";

  static SocketSurroundings of_process();
};

// For the daemon.
std::string default_publish_socket(const SocketSurroundings& = SocketSurroundings::of_process());

// For clients. If no socket is there, the system's path, so that the message names that one.
std::string find_publish_socket(const SocketSurroundings& = SocketSurroundings::of_process());

}  // namespace crier::cmd
