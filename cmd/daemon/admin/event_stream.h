// The head of an answer that is an event stream, for the admin endpoint's pages. Pure function.
#pragma once

#include <string>
#include <string_view>

#include "net/http/reply.h"

namespace crier::cmd {

inline std::string event_stream_head(std::string_view trace_id) {
  return net::ReplyBuilder(200)
      .field("Content-Type", "text/event-stream")
      .field("Cache-Control", "no-store")
      .field("X-Accel-Buffering", "no")
      .field("X-Content-Type-Options", "nosniff")
      .field("X-Trace-Id", trace_id)
      .finish();
}

}  // namespace crier::cmd
