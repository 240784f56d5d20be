#include "net/socket/unix_datagram.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>

#include "core/check.h"

namespace crier::net {
namespace {

Fd open_socket() {
  return Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

}  // namespace

bool is_unix_address(std::string_view address) {
  const bool local = address.starts_with('/') || address.starts_with('@');
  return local && address.size() < sizeof(sockaddr_un{}.sun_path);
}

DatagramSender::DatagramSender(std::string_view address) : address_(address), fd_(open_socket()) {
  CRIER_CHECK(is_unix_address(address));
}

bool DatagramSender::send(std::string_view text) {
  if (!fd_) fd_ = open_socket();
  if (!fd_) return false;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  address_.copy(to.sun_path, address_.size());
  // The kernel knows an abstract name by its first byte, and its end by the size.
  const bool abstract = address_.front() == '@';
  if (abstract) to.sun_path[0] = 0;
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size() +
                                           (abstract ? 0 : 1));
  const ssize_t sent = ::sendto(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&to), size);
  return sent >= 0 || (errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM);
}

}  // namespace crier::net
