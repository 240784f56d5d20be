// What log lines and pages say of a stream.
//
// Belongs to one worker; refers to what it was made with.
#pragma once

#include <string>

#include "broadcast/streams/broadcaster.h"
#include "cmd/daemon/worker/subscribe_routes.h"

namespace crier::cmd {

class StreamNames {
 public:
  StreamNames(const broadcast::Broadcaster& broadcaster, const SubscribeRoutes& routes)
      : broadcaster_(broadcaster), routes_(routes) {}

  std::string session_id(broadcast::StreamToken token) const { return routes_.session_id(token); }
  // The client's own, else that of the routes.
  std::string trace_id(broadcast::StreamToken token, const broadcast::Stream& stream) const;
  // Joined by commas, and cut where no log line shows more.
  std::string topics(const broadcast::Stream& stream) const;
  // "203.0.113.7:50312"; empty once the peer has cut the connection.
  static std::string address(const broadcast::Stream& stream);

 private:
  const broadcast::Broadcaster& broadcaster_;
  const SubscribeRoutes& routes_;
};

}  // namespace crier::cmd
