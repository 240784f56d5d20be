// StreamIo on real sockets.
#pragma once

#include "broadcast/stream_io.h"

namespace crier::cmd {

class WorkerIo final : public broadcast::StreamIo {
 public:
  broadcast::WriteOutcome write(int fd, std::span<const iovec> pieces) override;
  void close(int fd) override;
};

}  // namespace crier::cmd
