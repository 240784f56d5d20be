// What log lines, pages and answers call a stream.
//
// Belongs to one worker; refers to what it was made with.
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

  // worker:slot:generation
  std::string session_id(broadcast::StreamToken token) const;
  // 32 hexadecimal digits: a keyed hash of the session id, so it need not be stored.
  std::string trace_id(broadcast::StreamToken token) const;
  // The client's own, if it brought one, else that.
  std::string trace_id(broadcast::StreamToken token, const broadcast::Stream& stream) const;
  // Joined by commas, and cut where no log line shows more.
  std::string topics(const broadcast::Stream& stream) const;
  // Nothing once the peer has cut the connection.
  std::optional<net::PeerAddress> peer(const broadcast::Stream& stream) const {
    return parts_.io.peer_address(stream.connection);
  }
  // "203.0.113.7:50312", or empty.
  std::string address(const broadcast::Stream& stream) const;

 private:
  Parts parts_;
};

}  // namespace crier::cmd
