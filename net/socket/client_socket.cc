#include "net/socket/client_socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "core/check.h"
#include "net/socket/os_error.h"

namespace crier::net {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

Error os_error(const std::string& what, int error) {
  const bool absent = error == ECONNREFUSED || error == ENOENT;
  const Errc code = absent ? Errc::not_found : error == EACCES ? Errc::denied : Errc::os;
  return {code, what + ": " + errno_text(error)};
}

// Waits until `fd` is ready for `events`. False when the time is up.
bool wait_for(int fd, short events, milliseconds timeout) {
  const bool forever = timeout < milliseconds{0};
  const auto deadline = Clock::now() + timeout;
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (!forever && left < milliseconds{0}) return false;
    pollfd watched{fd, events, 0};
    const int ready = ::poll(&watched, 1, forever ? -1 : static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready == 0) return false;
    CRIER_CHECK(errno == EINTR || errno == EAGAIN || errno == ENOMEM);
  }
}

// Returns 0 or the errno of the attempt.
int connect_within(int fd, const sockaddr* address, socklen_t size, milliseconds timeout) {
  if (::connect(fd, address, size) == 0) return 0;
  // A full backlog of a Unix socket is EAGAIN, and there is nothing to wait for.
  if (errno != EINPROGRESS) return errno;
  if (!wait_for(fd, POLLOUT, timeout)) return ETIMEDOUT;
  int error = 0;
  socklen_t error_size = sizeof(error);
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size) != 0) return errno;
  return error;
}

void set_option(int fd, int level, int option, int value) {
  // A socket without the option works all the same, only less well.
  (void)::setsockopt(fd, level, option, &value, sizeof(value));
}

void watch_over_peer(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

Fd open_socket(int family) {
  return Fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

}  // namespace

Result<ClientSocket> ClientSocket::connect_tcp(const std::string& host, const std::string& port,
                                               milliseconds timeout) {
  const std::string where = host + ":" + port;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &list); error != 0) {
    return fail(Errc::os, "cannot find " + where + ": " + ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, &::freeaddrinfo);
  int error = EADDRNOTAVAIL;
  for (const addrinfo* address = list; address != nullptr; address = address->ai_next) {
    ClientSocket socket(open_socket(address->ai_family));
    if (!socket.fd_) {
      error = errno;
      continue;
    }
    error = connect_within(socket.fd_.get(), address->ai_addr, address->ai_addrlen, timeout);
    if (error != 0) continue;
    watch_over_peer(socket.fd_.get());
    return socket;
  }
  return std::unexpected(os_error("cannot connect to " + where, error));
}

Result<ClientSocket> ClientSocket::connect_unix(const std::string& path, milliseconds timeout) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return fail(Errc::os, "`" + path + "` cannot be the path of a socket: 1 to " +
                              std::to_string(sizeof(address.sun_path) - 1) + " bytes are allowed");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  ClientSocket socket(open_socket(AF_UNIX));
  if (!socket.fd_) return std::unexpected(os_error("socket", errno));
  const int error = connect_within(socket.fd_.get(), reinterpret_cast<const sockaddr*>(&address),
                                   sizeof(address), timeout);
  if (error != 0) return std::unexpected(os_error("cannot connect to " + path, error));
  return socket;
}

Result<void> ClientSocket::send_all(std::string_view bytes, milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return std::unexpected(os_error("sending failed", errno));
    const auto left =
        timeout < milliseconds{0}
            ? kForever
            : std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(deadline - Clock::now()));
    if (!wait_for(fd_.get(), POLLOUT, left)) return fail(Errc::os, "the server takes no more data");
  }
  return {};
}

Result<std::size_t> ClientSocket::receive(std::span<char> room, milliseconds timeout) {
  CRIER_CHECK(!room.empty());
  while (true) {
    const ssize_t received = ::recv(fd_.get(), room.data(), room.size(), 0);
    if (received >= 0) return static_cast<std::size_t>(received);
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return std::unexpected(os_error("receiving failed", errno));
    if (!wait_for(fd_.get(), POLLIN, timeout)) return fail(Errc::os, "the server does not answer");
  }
}

bool ClientSocket::stale() const {
  return wait_for(fd_.get(), POLLIN | POLLRDHUP, milliseconds{0});
}

}  // namespace crier::net
