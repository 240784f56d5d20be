// A StreamIo whose connections take as many bytes as a test allows, and keep them.
//
// Every connection has room for so many bytes in all, and for so many in one write. Bytes that do
// not fit are refused, as by a full socket buffer. A refused write owes its stream a writable edge;
// the test delivers it after it has made room.
//
// Belongs to one test.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broadcast/streams/stream_io.h"
#include "core/check.h"
#include "core/turn_limits.h"

namespace crier::broadcast {

class ScriptedIo : public StreamIo {
 public:
  static constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();

  struct Socket {
    std::string sent;                        // All bytes that were taken, until the test clears it.
    std::size_t room = kUnlimited;           // Bytes that the buffer still takes.
    std::size_t per_write_max = kUnlimited;  // Bytes that one write takes at most.
    bool gone = false;                       // The peer is lost.
    bool starved = false;                    // Refuses for lack of memory; no edge will follow.
    bool owes_edge = false;                  // A write was refused since the last edge.
    std::size_t input = 0;                   // Bytes of the peer that were not read yet.
    bool fin = false;                        // The peer's FIN follows these bytes.
    bool unwatchable = false;                // The kernel has no memory to watch it.
    bool watched = false;
    bool output_watched = false;  // Writable edges are reported only when it is true.
    bool closed = false;
    std::optional<PathReading> path = PathReading();
    std::size_t writes = 0;
    std::size_t bytes = 0;  // Bytes taken so far.
  };

  // Makes a connection. Handles are not reused, so a write to a closed one is found.
  ConnectionHandle open() {
    sockets_.emplace_back();
    return static_cast<ConnectionHandle>(sockets_.size() - 1);
  }

  Socket& operator[](ConnectionHandle connection) {
    return sockets_.at(static_cast<std::size_t>(connection));
  }
  std::size_t total_writes() const { return total_writes_; }
  std::size_t total_pieces() const { return total_pieces_; }
  std::size_t path_readings() const { return path_readings_; }

  WriteOutcome write(ConnectionHandle connection, std::span<const iovec> pieces) override {
    Socket& socket = (*this)[connection];
    CRIER_CHECK(!socket.closed);
    CRIER_CHECK(!pieces.empty());
    CRIER_CHECK(pieces.size() <= kPiecesPerWrite);
    ++socket.writes;
    ++total_writes_;
    total_pieces_ += pieces.size();
    if (socket.gone) return {WriteStatus::gone, 0};
    if (socket.starved) return {WriteStatus::partial, 0, true};
    std::size_t taken = 0;
    const std::size_t most = std::min(socket.room, socket.per_write_max);
    bool refused = false;
    for (const iovec& piece : pieces) {
      CRIER_CHECK(piece.iov_len > 0);
      const std::size_t part = std::min(piece.iov_len, most - taken);
      socket.sent.append(static_cast<const char*>(piece.iov_base), part);
      taken += part;
      if (part < piece.iov_len) {
        refused = true;
        break;
      }
    }
    if (socket.room != kUnlimited) socket.room -= taken;
    socket.bytes += taken;
    if (refused) socket.owes_edge = true;
    return {refused ? WriteStatus::partial : WriteStatus::all, taken};
  }

  DiscardOutcome discard_input(ConnectionHandle connection, std::size_t max_bytes) override {
    Socket& socket = (*this)[connection];
    CRIER_CHECK(!socket.closed);
    const std::size_t bytes = std::min(socket.input, max_bytes);
    socket.input -= bytes;
    if (bytes == max_bytes) return {InputEnd::more, bytes};
    return {socket.fin ? InputEnd::closed : InputEnd::drained, bytes};
  }

  bool watch(ConnectionHandle connection, StreamToken, bool output) override {
    Socket& socket = (*this)[connection];
    CRIER_CHECK(!socket.closed);
    CRIER_CHECK(!socket.watched);
    if (socket.unwatchable) return false;
    socket.watched = true;
    socket.output_watched = output;
    return true;
  }

  void watch_output(ConnectionHandle connection, StreamToken) override {
    Socket& socket = (*this)[connection];
    CRIER_CHECK(!socket.closed);
    CRIER_CHECK(socket.watched);
    CRIER_CHECK(!socket.output_watched);
    socket.output_watched = true;
  }

  std::optional<PathReading> path(ConnectionHandle connection) const override {
    const Socket& socket = sockets_.at(static_cast<std::size_t>(connection));
    CRIER_CHECK(!socket.closed);
    ++path_readings_;
    return socket.path;
  }

  void close(ConnectionHandle connection) override {
    Socket& socket = (*this)[connection];
    CRIER_CHECK(!socket.closed);
    socket.closed = true;
  }

 private:
  std::vector<Socket> sockets_;
  std::size_t total_writes_ = 0;
  std::size_t total_pieces_ = 0;
  mutable std::size_t path_readings_ = 0;
};

}  // namespace crier::broadcast
