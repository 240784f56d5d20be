#include "cmd/daemon/worker/worker_io.h"

#include "core/check.h"
#include "net/socket/fd.h"
#include "net/socket/socket_ops.h"

namespace crier::cmd {
namespace {

int fd_of(broadcast::ConnectionHandle connection) {
  return static_cast<int>(connection);
}

net::Token ready_token(broadcast::StreamToken token) {
  return net::stream_token(token.index, token.generation);
}

}  // namespace

broadcast::ConnectionHandle WorkerIo::handle_of(const net::Accepted& connection, bool registered) {
  CRIER_CHECK(connection.fd >= 0);
  newest_ = connection;
  newest_registered_ = registered;
  return static_cast<broadcast::ConnectionHandle>(connection.fd);
}

// An open descriptor's number is unique, so it tells whether the connection is the newest one.
std::optional<net::PeerAddress> WorkerIo::peer_address(
    broadcast::ConnectionHandle connection) const {
  if (fd_of(connection) == newest_.fd) return newest_.peer;
  return net::remote_address(fd_of(connection));
}

WriteOutcome WorkerIo::write(broadcast::ConnectionHandle connection,
                             std::span<const iovec> pieces) {
  return net::write_pieces(fd_of(connection), pieces);
}

DiscardOutcome WorkerIo::discard_input(broadcast::ConnectionHandle connection,
                                       std::size_t max_bytes) {
  return net::discard_input(fd_of(connection), max_bytes);
}

bool WorkerIo::watch(broadcast::ConnectionHandle connection, broadcast::StreamToken token,
                     bool output) {
  CRIER_CHECK(fd_of(connection) == newest_.fd);
  const auto watch = output ? net::Watch::input_and_output : net::Watch::input;
  if (!newest_registered_) return ready_.add(newest_.fd, ready_token(token), watch).has_value();
  ready_.retag(newest_.fd, ready_token(token), watch);
  return true;
}

void WorkerIo::watch_output(broadcast::ConnectionHandle connection, broadcast::StreamToken token) {
  ready_.retag(fd_of(connection), ready_token(token));
}

std::optional<PathReading> WorkerIo::path(broadcast::ConnectionHandle connection) const {
  return net::read_path(fd_of(connection));
}

void WorkerIo::close(broadcast::ConnectionHandle connection) {
  net::Fd(fd_of(connection)).reset();
}

}  // namespace crier::cmd
