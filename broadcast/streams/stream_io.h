// The interface to a subscriber's connection. Every byte to a stream and every event of its
// connection passes through it. The daemon implements it on sockets; tests implement it by script.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <optional>
#include <span>

#include "broadcast/streams/stream.h"
#include "core/io_outcome.h"

namespace crier::broadcast {

// No function blocks or calls back. Belongs to one worker.
class StreamIo {
 public:
  virtual ~StreamIo() = default;
  // Writes the pieces in order. Requires: 1 <= pieces.size() <= kPiecesPerWrite; no piece is empty.
  virtual WriteOutcome write(ConnectionHandle connection, std::span<const iovec> pieces) = 0;
  // Reads and discards input until none is left or max_bytes were read. Requires: max_bytes > 0.
  virtual DiscardOutcome discard_input(ConnectionHandle connection, std::size_t max_bytes) = 0;
  // Reports the connection's events with `token` from now on, and writable edges only if `output`.
  // Events that came before are reported, too. Called once, after the first write. Returns false if
  // the kernel has no memory for it.
  [[nodiscard]] virtual bool watch(ConnectionHandle connection, StreamToken token, bool output) = 0;
  // Reports writable edges, too, from now on. An edge that came before is reported. Called when a
  // later write is cut short for the first time. Requires: watch() was called without `output`.
  virtual void watch_output(ConnectionHandle connection, StreamToken token) = 0;
  // Returns what the kernel knows of the way to the client now; nothing if it does not know.
  virtual std::optional<PathReading> path(ConnectionHandle connection) const = 0;
  virtual void close(ConnectionHandle connection) = 0;
};

}  // namespace crier::broadcast
