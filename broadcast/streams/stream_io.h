// What broadcast asks of a subscriber's socket, and no more. The daemon implements it on net; tests
// script it.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "broadcast/streams/stream.h"
#include "core/write_outcome.h"

namespace crier::broadcast {

// Never blocks, never calls back. Belongs to one worker.
class StreamIo {
 public:
  virtual ~StreamIo() = default;
  // Requires: 1 <= pieces.size() <= kPiecesPerWrite, no piece is empty.
  virtual WriteOutcome write(int fd, std::span<const iovec> pieces) = 0;
  // A write to the stream's socket was cut short for the first time: from now on its writable
  // edges have to be told to on_writable(), one that has come meanwhile included.
  virtual void watch_output(int fd, StreamToken token) = 0;
  virtual void close(int fd) = 0;
};

}  // namespace crier::broadcast
