#include "net/socket/handed_in.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "net/socket/os_error.h"

namespace crier::net {

SocketKind socket_kind(int fd) {
  int family = 0;
  int type = 0;
  socklen_t size = sizeof(int);
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) != 0 ||
      ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM) {
    return SocketKind::other;
  }
  if (family == AF_INET || family == AF_INET6) return SocketKind::tcp;
  return family == AF_UNIX ? SocketKind::unix_stream : SocketKind::other;
}

Result<void> prepare_handed_in(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
    return os_failure("cannot use a descriptor that was handed in");
  }
  return {};
}

}  // namespace crier::net
