// What broadcast asks of a subscriber's connection, and no more: the seam through which each byte
// and each event of it passes. The daemon implements it on sockets; tests script it.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>

#include "broadcast/streams/stream.h"
#include "core/io_outcome.h"

namespace crier::broadcast {

// Never blocks, never calls back. Belongs to one worker.
class StreamIo {
 public:
  virtual ~StreamIo() = default;
  // Requires: 1 <= pieces.size() <= kPiecesPerWrite, no piece is empty.
  virtual WriteOutcome write(ConnectionHandle connection, std::span<const iovec> pieces) = 0;
  // Reads input and forgets it, until none is left or max_bytes were read. Requires: max_bytes > 0.
  virtual DiscardOutcome discard_input(ConnectionHandle connection, std::size_t max_bytes) = 0;
  // From now on the events of the connection are events of the stream; its writable edges only if
  // `output`. What has come before is reported, too. Called once, after the first write. False: the
  // kernel has no memory to watch it.
  [[nodiscard]] virtual bool watch(ConnectionHandle connection, StreamToken token, bool output) = 0;
  // A later write was cut short for the first time: from now on writable edges are reported, too,
  // one that has come meanwhile included. Requires: watch() was called without output.
  virtual void watch_output(ConnectionHandle connection, StreamToken token) = 0;
  virtual void close(ConnectionHandle connection) = 0;
};

}  // namespace crier::broadcast
