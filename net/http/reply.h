// Makes the bytes of every HTTP response that is not the body of a stream.
//
// Every response has a Date. Every response but the head of a stream has Cache-Control: no-store,
// X-Content-Type-Options: nosniff and, with a body, Content-Length. The functions depend on their
// arguments and the time only; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/http/negotiate.h"
#include "net/http/request.h"

namespace crier::net {

// The contents of the CORS headers. Its view is valid as long as the request.
struct Cors {
  std::string_view origin;  // Empty: the response has no CORS headers.
  OriginVerdict verdict = OriginVerdict::none;
};

// The CORS headers for `listed` and `any`; none for the other verdicts.
Cors cors_of(const Request& request, OriginVerdict verdict);

// In each, the empty or zero value means: without that header.
struct ReplyOptions {
  bool keep_alive = false;
  bool head_only = false;  // The answer to HEAD: has the length of a body, without the body.
  std::string_view allow;  // E.g. "GET, HEAD, OPTIONS".
  std::uint32_t retry_after_seconds = 0;
  std::string_view trace_id;  // Must be as trace_id_of() returns it, or crier's own.
  Cors cors;
  std::uint64_t accepted = 0;  // Not 0: an error's body says that so many events were accepted.
};

// Builds one response, header by header. It escapes nothing: callers pass names and values of
// crier's own, or values that were validated before.
class ReplyBuilder {
 public:
  explicit ReplyBuilder(int status);

  ReplyBuilder& field(std::string_view name, std::string_view value);
  ReplyBuilder& field(std::string_view name, std::uint64_t value);
  // Adds Cache-Control, X-Content-Type-Options and Connection, and the headers that the options
  // ask for.
  ReplyBuilder& options(const ReplyOptions& options);
  ReplyBuilder& cors(const Cors& cors);

  // Ends the head with Content-Type and Content-Length, adds the body unless `head_only`, and
  // returns the response. The builder must not be used after either finish().
  std::string finish(std::string_view content_type, std::string_view body, bool head_only);
  // Ends the head and returns it. There is no body, or the caller sends it.
  std::string finish();

 private:
  std::string bytes_;
};

// The phrase of RFC 9110, e.g. "Not Found"; "Unknown" for a status that crier does not use.
std::string_view reason_phrase(int status);

// An error as JSON: {"code":"…","message":"…","trace_id":"…"}. The trace id is also sent as
// X-Trace-Id; an empty one is left out of both.
std::string error_reply(const Refusal& refusal, std::string_view trace_id,
                        const ReplyOptions& options = {});

// An error with status 429 or 503 and Retry-After, for clients that handle a status. Requires:
// refusal.status is one of these; retry_after_seconds > 0.
std::string status_reply(const Refusal& refusal, std::uint32_t retry_after_seconds,
                         std::string_view trace_id, const Cors& cors = {}, bool head_only = false);

// The same refusal for an EventSource, which never reconnects after an error status: 200, one event
// crier.busy without an id, a retry: of `retry_ms`, and the end of the response. The event's data
// is {"reason":<code>,"message":<message>}.
std::string busy_reply(const Refusal& refusal, std::uint32_t retry_ms, std::string_view trace_id,
                       const Cors& cors = {});

inline constexpr std::string_view kJsonType = "application/json";

// A response with a body of any type: health, metrics, pages, JSON.
std::string text_reply(int status, std::string_view content_type, std::string_view body,
                       const ReplyOptions& options = {});

struct StreamHead {
  bool http_1_0 = false;  // The body ends with the connection; otherwise it is chunked.
  std::string_view trace_id;
  Cors cors;
};

// The head of a stream; also the answer to HEAD.
std::string stream_head(const StreamHead& head);

// The 204 for a CORS preflight, with the methods and headers that a page may send. Requires:
// is_preflight(request).
std::string preflight_reply(const Request& request, const Cors& cors);
// A 204 without further headers.
std::string empty_reply(const ReplyOptions& options);
// The 204 for any other OPTIONS.
std::string options_reply(std::string_view allow, const ReplyOptions& options = {});

}  // namespace crier::net
