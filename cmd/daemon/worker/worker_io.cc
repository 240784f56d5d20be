#include "cmd/daemon/worker/worker_io.h"

#include "net/socket/fd.h"
#include "net/socket/socket_ops.h"

namespace crier::cmd {

WriteOutcome WorkerIo::write(int fd, std::span<const iovec> pieces) {
  return net::write_pieces(fd, pieces);
}

void WorkerIo::watch_output(int fd, broadcast::StreamToken token) {
  ready_->retag(fd, net::stream_token(token.index, token.generation));
}

void WorkerIo::close(int fd) {
  net::Fd closes_at_the_end(fd);
}

}  // namespace crier::cmd
