// A parsed HTTP request: views into the buffer of the HeadReader that parsed it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace crier::net {

// A piece of the head, as offsets: the buffer may move while the head grows.
struct HeadSpan {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  std::string_view in(std::string_view head) const { return head.substr(begin, end - begin); }
  bool operator==(const HeadSpan&) const = default;
};

struct HeadField {
  HeadSpan name;
  HeadSpan value;  // Without the white space around it.
};

enum class Method : std::uint8_t { get, head, post, options, other };

// Valid until its HeadReader is reset. Header values are trimmed. The view of a header that was not
// sent is empty; a has_… flag tells it from one that was sent empty.
struct Request {
  Method method = Method::other;
  bool http_1_0 = false;
  bool keep_alive = false;       // By the version and the Connection header.
  bool expect_continue = false;  // The client waits for "100 Continue" before it sends the body.
  bool chunked = false;          // The body is chunked; there is no content_length.
  std::uint64_t content_length = 0;
  std::string_view method_text;
  // The path as sent, percent-encoded, without the query. Every escape in it is valid, none encodes
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
  std::string_view consumer_lag;
  std::string_view consumer_throughput;
  std::string_view access_control_request_method;
  std::string_view access_control_request_headers;

  // The whole head, and all its fields in the order in which they were sent.
  std::string_view head;
  std::span<const HeadField> fields;
};

// The reason to refuse a request. It is used for the JSON error body, a counter and a log line.
struct Refusal {
  int status = 400;
  std::string_view code;     // A constant, e.g. "bad_request"; stable, machine-readable.
  std::string_view message;  // A constant sentence; names the configuration key that would help.

  friend bool operator==(const Refusal&, const Refusal&) = default;
};

}  // namespace crier::net
