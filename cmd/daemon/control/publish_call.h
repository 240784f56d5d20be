// A publisher's request while PublishRoutes handles it, and what is left of it once the request is
// gone. Included by the files of PublishRoutes alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "cmd/daemon/control/publish_routes.h"
#include "net/http/negotiate.h"
#include "net/http/reply.h"

namespace crier::cmd {

struct PublishRoutes::Call {
  const net::HttpRequest& request;
  const net::Responder& responder;
  Instant now;

  const net::Request& head() const { return request.head; }
  std::uint32_t uid() const { return request.peer.credentials.uid; }
  bool keep_alive() const { return head().keep_alive; }
  std::string_view own_trace_id() const {
    const bool traced = !head().traceparent.empty() || !head().trace_id.empty();
    return traced ? net::trace_id_of(head()) : "";
  }
  Instant arrived() const { return request.arrived; }
};

// What is needed to answer after the request is gone.
struct PublishRoutes::Later {
  net::Responder responder;
  net::ReplyOptions options;
  std::string trace_id;
  std::string from;  // As the log names the client.
  Instant arrived_at;
  bool traced;  // trace_id is the publisher's own.

  bool keep_alive() const { return options.keep_alive; }
  std::string_view own_trace_id() const { return traced ? std::string_view(trace_id) : ""; }
  Instant arrived() const { return arrived_at; }
  void send(std::string bytes) const { responder.reply(std::move(bytes), !options.keep_alive); }
};

// An event whose data is the body of the request.
struct PublishRoutes::TextEvent {
  std::string name;
  broadcast::PublishEvent publish;
};

}  // namespace crier::cmd
