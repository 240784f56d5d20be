#include "net/unix_datagram.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>

#include "core/check.h"
#include "net/fd.h"

namespace crier::net {

bool is_unix_address(std::string_view address) {
  const bool local = address.starts_with('/') || address.starts_with('@');
  return local && address.size() < sizeof(sockaddr_un{}.sun_path);
}

bool send_datagram(std::string_view address, std::string_view text) {
  CRIER_CHECK(is_unix_address(address));
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  address.copy(to.sun_path, address.size());
  // The kernel knows an abstract name by its first byte, and its end by the size.
  const bool abstract = address.front() == '@';
  if (abstract) to.sun_path[0] = 0;
  const auto size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size() + (abstract ? 0 : 1));
  const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return false;
  const ssize_t sent = ::sendto(fd.get(), text.data(), text.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&to), size);
  return sent >= 0 || (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM);
}

}  // namespace crier::net
