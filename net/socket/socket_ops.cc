#include "net/socket/socket_ops.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>

#include "core/check.h"

namespace crier::net {
namespace {

constexpr int kWriteFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
constexpr std::size_t kDiscardAtOnce = 16 * 1024;

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}
bool out_of_memory(int error) {
  return error == ENOBUFS || error == ENOMEM;
}

ssize_t send_once(int fd, std::span<const iovec> pieces, int flags) {
  // send() is measurably cheaper than sendmsg(), and one piece is the common case.
  if (pieces.size() == 1) return ::send(fd, pieces[0].iov_base, pieces[0].iov_len, flags);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());  // sendmsg() only reads it.
  message.msg_iovlen = pieces.size();
  return ::sendmsg(fd, &message, flags);
}

}  // namespace

WriteOutcome write_pieces(int fd, std::span<const iovec> pieces, Then then) {
  CRIER_CHECK(!pieces.empty());
  CRIER_CHECK(pieces.size() <= IOV_MAX);
  std::size_t total = 0;
  for (const iovec& piece : pieces) total += piece.iov_len;
  CRIER_CHECK(total > 0);

  const int flags = then == Then::fin ? kWriteFlags | MSG_MORE : kWriteFlags;
  ssize_t sent = 0;
  do {
    sent = send_once(fd, pieces, flags);
  } while (sent < 0 && errno == EINTR);

  if (sent >= 0) {
    // A short count is the kernel's way to say "would block" once something was taken: it has asked
    // for the writable edge already.
    const auto bytes = static_cast<std::size_t>(sent);
    return {.status = bytes == total ? WriteStatus::all : WriteStatus::partial, .bytes = bytes};
  }
  const int error = errno;
  if (would_block(error)) return {.status = WriteStatus::partial};
  if (out_of_memory(error)) return {.status = WriteStatus::partial, .starved = true};
  CRIER_CHECK(error != EBADF);
  CRIER_CHECK(error != EFAULT);
  return {.status = WriteStatus::gone};
}

DiscardOutcome discard_input(int fd, std::size_t max_bytes) {
  CRIER_CHECK(max_bytes > 0);
  // MSG_TRUNC makes TCP drop the bytes without copying them; other sockets fill the scratch, which
  // is left uninitialised because no code reads it.
  std::array<char, kDiscardAtOnce> scratch;
  std::size_t total = 0;
  while (total < max_bytes) {
    const std::size_t want = std::min(scratch.size(), max_bytes - total);
    const ssize_t got = ::recv(fd, scratch.data(), want, MSG_TRUNC | MSG_DONTWAIT);
    if (got > 0) {
      total += static_cast<std::size_t>(got);
    } else if (got == 0) {
      return {InputEnd::closed, total};
    } else if (errno != EINTR) {
      CRIER_CHECK(errno != EBADF);
      if (would_block(errno)) return {InputEnd::drained, total};
      return {out_of_memory(errno) ? InputEnd::more : InputEnd::error, total};
    }
  }
  return {InputEnd::more, total};
}

std::optional<PathReading> read_path(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  int unsent = 0;
  if (info.tcpi_state == TCP_CLOSE || ::ioctl(fd, SIOCOUTQNSD, &unsent) != 0) return std::nullopt;
  return PathReading{info.tcpi_rtt, static_cast<std::uint32_t>(unsent)};
}

bool peer_left(int fd) {
  pollfd state{.fd = fd, .events = 0, .revents = 0};  // POLLHUP and POLLERR are always reported.
  return ::poll(&state, 1, 0) > 0 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

}  // namespace crier::net
