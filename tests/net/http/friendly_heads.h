// Request heads as browsers, client libraries, tools and proxies send them. All must be accepted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/http/request.h"

namespace crier::net {

struct FriendlyHead {
  std::string_view name;
  std::string bytes;  // One head, complete.
  // The facts that a reader must find in it.
  Method method = Method::get;
  std::string_view path = "/events";
  std::string_view query = "topic=orders";
  std::string_view host = "events.example";
  std::string_view accept = "text/event-stream";
  std::string_view origin;
  std::string_view last_event_id;
  bool keep_alive = true;
};

// For the subscriber port.
std::vector<FriendlyHead> friendly_heads();

}  // namespace crier::net
