// Where the publish socket is if no setting names it: the daemon and the commands must agree.
//
// $CRIER_SOCKET, if set, names it for both. Otherwise the daemon uses /run/crier/publish.sock as
// root, and as another user $XDG_RUNTIME_DIR/crier/publish.sock, or /tmp/crier-UID/publish.sock if
// there is no such directory. A client takes the first that exists of the user's own, the system's
// (the daemon's, then that of crier-publish.socket) and the one in /tmp.
#pragma once

#include <sys/types.h>

#include <string>

namespace crier::cmd {

// The surroundings on which the path depends. An empty string counts as not set.
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
