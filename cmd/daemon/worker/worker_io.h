// StreamIo on real sockets.
#pragma once

#include "broadcast/streams/stream_io.h"
#include "net/socket/ready_set.h"

namespace crier::cmd {

class WorkerIo final : public broadcast::StreamIo {
 public:
  // Null until the worker has made it, which is before its first stream.
  void set_ready(net::ReadySet* ready) { ready_ = ready; }

  WriteOutcome write(int fd, std::span<const iovec> pieces) override;
  void watch_output(int fd, broadcast::StreamToken token) override;
  void close(int fd) override;

 private:
  net::ReadySet* ready_ = nullptr;
};

}  // namespace crier::cmd
