#include "cmd/daemon/worker/worker_io.h"

#include "net/socket/fd.h"
#include "net/socket/socket_ops.h"

namespace crier::cmd {
namespace {

broadcast::WriteStatus status_of(net::WriteStatus status) {
  switch (status) {
    case net::WriteStatus::all:
      return broadcast::WriteStatus::all;
    case net::WriteStatus::partial:
      return broadcast::WriteStatus::partial;
    case net::WriteStatus::gone:
      break;
  }
  return broadcast::WriteStatus::gone;
}

}  // namespace

broadcast::WriteOutcome WorkerIo::write(int fd, std::span<const iovec> pieces) {
  const net::WriteOutcome outcome = net::write_pieces(fd, pieces);
  return {status_of(outcome.status), outcome.bytes, outcome.starved};
}

void WorkerIo::watch_output(int fd, broadcast::StreamToken token) {
  ready_->retag(fd, net::stream_token(token.index, token.generation));
}

void WorkerIo::close(int fd) {
  net::Fd closes_at_the_end(fd);
}

}  // namespace crier::cmd
