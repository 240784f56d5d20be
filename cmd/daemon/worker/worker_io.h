// StreamIo on sockets. A connection's handle is its descriptor; only this class knows that.
//
// Belongs to one worker.
#pragma once

#include <optional>

#include "broadcast/streams/stream_io.h"
#include "net/socket/peer_address.h"
#include "net/socket/ready_set.h"

namespace crier::cmd {

class WorkerIo final : public broadcast::StreamIo {
 public:
  // `ready` must outlive it.
  explicit WorkerIo(net::ReadySet& ready) : ready_(ready) {}

  // Returns the handle with which a stream takes the connection over. `registered`: the connection
  // is already in the ready set, under another token.
  broadcast::ConnectionHandle handle_of(const net::Accepted& connection, bool registered);
  // The address of the peer that the kernel knows; nothing after the peer has reset the connection.
  // Requires: a stream has the connection.
  std::optional<net::PeerAddress> peer_address(broadcast::ConnectionHandle connection) const;

  WriteOutcome write(broadcast::ConnectionHandle connection,
                     std::span<const iovec> pieces) override;
  DiscardOutcome discard_input(broadcast::ConnectionHandle connection,
                               std::size_t max_bytes) override;
  [[nodiscard]] bool watch(broadcast::ConnectionHandle connection, broadcast::StreamToken token,
                           bool output) override;
  void watch_output(broadcast::ConnectionHandle connection, broadcast::StreamToken token) override;
  std::optional<PathReading> path(broadcast::ConnectionHandle connection) const override;
  void close(broadcast::ConnectionHandle connection) override;

 private:
  net::ReadySet& ready_;
  // The connection that handle_of() was called for last.
  net::Accepted newest_;
  bool newest_registered_ = false;
};

}  // namespace crier::cmd
