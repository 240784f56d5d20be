// The ids, topics and address of a stream, as log lines, pages and answers show them.
//
// Belongs to one worker. Its parts must outlive it.
#pragma once

#include <optional>
#include <string>

#include "broadcast/streams/broadcaster.h"
#include "cmd/daemon/worker/worker_io.h"
#include "core/keyed_hash.h"

namespace crier::cmd {

class StreamNames {
 public:
  struct Parts {
    const broadcast::Broadcaster& broadcaster;
    const WorkerIo& io;
    HashKey trace_key;
    std::uint32_t worker = 0;
  };
  explicit StreamNames(const Parts& parts) : parts_(parts) {}

  // The session id: worker:slot:generation.
  std::string session_id(broadcast::StreamToken token) const;
  // A trace id of 32 hexadecimal digits: a keyed hash of the session id, so it need not be stored.
  std::string trace_id(broadcast::StreamToken token) const;
  // The client's own trace id if it sent one, otherwise the keyed hash.
  std::string trace_id(broadcast::StreamToken token, const broadcast::Stream& stream) const;
  // The stream's topics joined by commas, shortened to the length that a log line shows.
  std::string topics(const broadcast::Stream& stream) const;
  // The peer's address; nothing after the peer has reset the connection.
  std::optional<net::PeerAddress> peer(const broadcast::Stream& stream) const {
    return parts_.io.peer_address(stream.connection);
  }
  // "203.0.113.7:50312", or empty.
  std::string address(const broadcast::Stream& stream) const;

 private:
  Parts parts_;
};

}  // namespace crier::cmd
