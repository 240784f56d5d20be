// A parsed HTTP request: views into the buffer of the reader that made it.
#pragma once

#include <cstdint>
#include <string_view>

namespace crier::net {

enum class Method : std::uint8_t { get, head, post, options, other };

// Valid until its HeadReader is reset. Header values are trimmed; a header that was not sent is an
// empty view, except where a flag says more.
struct Request {
  Method method = Method::other;
  bool http_1_0 = false;
  bool keep_alive = false;       // What the client asked for, by its version and Connection header.
  bool expect_continue = false;  // The client waits for "100 Continue" before it sends the body.
  bool chunked = false;          // The body is chunked; there is no content_length.
  std::uint64_t content_length = 0;
  std::string_view method_text;
  // As sent, still percent-encoded, without the query; every escape in it is valid, none stands for
  // NUL, CR or LF, and no segment is "." or "..". Starts with '/', or is "*" (OPTIONS only).
  std::string_view path;
  std::string_view query;  // Without the '?'.

  std::string_view host;
  std::string_view accept;
  bool has_accept = false;
  std::string_view origin;
  bool has_origin = false;
  std::string_view last_event_id;
  bool has_last_event_id = false;
  std::string_view content_type;
  std::string_view idempotency_key;
  bool has_idempotency_key = false;
  std::string_view traceparent;  // W3C Trace Context.
  std::string_view trace_id;     // X-Trace-Id
  std::string_view access_control_request_method;
  std::string_view access_control_request_headers;
};

// Why a request was not accepted: becomes the JSON error body, a counter and a log line.
struct Refusal {
  int status = 400;
  std::string_view code;     // A constant, e.g. "bad_request"; stable, machine-readable.
  std::string_view message;  // A constant sentence; names the knob where one would help.

  friend bool operator==(const Refusal&, const Refusal&) = default;
};

}  // namespace crier::net
