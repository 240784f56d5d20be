// The bytes of HTTP responses: every answer crier gives that is not the body of a stream.
//
// All carry Date. All but the head of a stream carry Cache-Control: no-store,
// X-Content-Type-Options: nosniff and, where they have a body, its Content-Length. Any thread; pure
// but for the time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/http/negotiate.h"
#include "net/http/request.h"

namespace crier::net {

// What the headers of CORS say. Views live as long as the request.
struct Cors {
  std::string_view origin;  // Empty: no such headers.
  OriginVerdict verdict = OriginVerdict::none;
};

// Headers only for `listed` and `any`.
Cors cors_of(const Request& request, OriginVerdict verdict);

struct ReplyOptions {
  bool keep_alive = false;
  bool head_only = false;  // The answer to HEAD: the length of a body that is not sent.
  std::string_view allow;  // E.g. "GET, HEAD, OPTIONS"; empty: no header.
  std::uint32_t retry_after_seconds = 0;  // 0: no header.
  std::string_view trace_id;  // Empty: no header. Must be fit for one; see trace_id_of().
  Cors cors;
};

// One response, header by header. Names and values are ours, or were judged fit for a header
// before.
class ReplyBuilder {
 public:
  explicit ReplyBuilder(int status);

  ReplyBuilder& field(std::string_view name, std::string_view value);
  ReplyBuilder& field(std::string_view name, std::uint64_t value);
  // Connection, Allow, Retry-After, X-Trace-Id, CORS.
  ReplyBuilder& options(const ReplyOptions& options);
  ReplyBuilder& cors(const Cors& cors);

  // Ends the head with Content-Type and Content-Length and adds the body, unless `head_only`.
  std::string finish(std::string_view content_type, std::string_view body, bool head_only);
  // Ends the head; there is no body, or it follows. Either way the builder is spent.
  std::string finish();

 private:
  std::string bytes_;
};

// "Not Found"; "Unknown" for a status crier does not use.
std::string_view reason_phrase(int status);

// JSON: {"code":"…","message":"…","trace_id":"…"}. The trace id is also sent as X-Trace-Id; an
// empty one in neither place.
std::string error_reply(const Refusal& refusal, std::string_view trace_id,
                        const ReplyOptions& options = {});

// 429 or 503 with Retry-After, for programs. Requires: retry_after_seconds > 0.
std::string status_reply(const Refusal& refusal, std::uint32_t retry_after_seconds,
                         std::string_view trace_id, const Cors& cors = {});

// The same for an EventSource, which gives up for good on a status: 200, one event crier.busy
// without an id, the time after which to come back, and the end. Its data is
// {"reason":<code>,"message":<message>}.
std::string busy_reply(const Refusal& refusal, std::uint32_t retry_ms, std::string_view trace_id,
                       const Cors& cors = {});

inline constexpr std::string_view kJsonType = "application/json";

// Health, metrics, pages, JSON.
std::string text_reply(int status, std::string_view content_type, std::string_view body,
                       const ReplyOptions& options = {});

struct StreamHead {
  bool http_1_0 = false;  // The body ends with the connection; else it is chunked.
  std::string_view trace_id;
  Cors cors;
};

// The head of a stream, and of the answer to HEAD.
std::string stream_head(const StreamHead& head);

// 204 to a preflight: what a page of a listed origin may send. Requires: is_preflight(request).
std::string preflight_reply(const Request& request, const Cors& cors);
// 204 to any other OPTIONS.
std::string options_reply(std::string_view allow, const ReplyOptions& options = {});

}  // namespace crier::net
