// The line of the log about a request that was refused: why, from where, what mends it, and the
// trace id that its client was told.
//
// Browsers show a page nothing of an answer that CORS forbids, and EventSource nothing of any
// status: for such a refusal this line is all there is. Give it a sink that limits repeats.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/log.h"
#include "net/http/http_handler.h"
#include "net/http/request.h"

namespace crier::cmd {

// Views need to live only during the call.
struct RefusedRequest {
  std::string_view reason;  // The word of the metric.
  net::Refusal answer;      // What the client was told.
  std::string_view from;    // "203.0.113.7:50312", "uid 33"; empty: not known.
  std::string_view origin;  // Empty: the request had none.
  std::string_view trace_id;
  std::string_view path = {};  // Empty unless the subscriber port has no such path.
};

// "uid 33" of a Unix socket, "127.0.0.1:50312" of TCP.
std::string name_of(const net::HttpPeer& peer);

// The messages, by port.
inline constexpr std::string_view kStreamRefused = "request refused";
inline constexpr std::string_view kPublishRefused = "publish request refused";
inline constexpr std::string_view kAdminRefused = "admin request refused";

inline constexpr std::string_view kShutOut = "address shut out";

void log_refusal(LogSink& log, std::string_view message, const RefusedRequest& request);

// The breaker of a client's address has opened for so many seconds: the one line about that.
void log_shut_out(LogSink& log, std::string_view from, std::uint32_t seconds);

}  // namespace crier::cmd
