#include "net/http/reply.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "core/check.h"
#include "core/text/escape.h"
#include "net/http/head_bytes.h"
#include "net/http/http_date.h"

namespace crier::net {
namespace {

constexpr std::string_view kEventStreamUtf8 = "text/event-stream; charset=utf-8";
constexpr std::string_view kPreflightSeconds = "86400";  // Browsers shorten it: Chrome to 2 h.

// The headers that a page may add to a request for a stream: those that known clients of event
// streams send.
constexpr std::string_view kRequestHeaders[] = {
    "Accept",           "Authorization", "Cache-Control",  "Content-Type",
    "Last-Event-ID",    "Pragma",        "X-Consumer-Lag", "X-Consumer-Throughput",
    "X-Requested-With", "X-Trace-Id",    "traceparent",    "tracestate",
};

struct Reason {
  int status;
  std::string_view phrase;
};

constexpr Reason kReasons[] = {
    {200, "OK"},
    {202, "Accepted"},
    {204, "No Content"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
};

void append_number(std::string& out, std::uint64_t number) {
  char digits[20];
  const auto [end, error] = std::to_chars(std::begin(digits), std::end(digits), number);
  CRIER_CHECK(error == std::errc{});
  out.append(digits, end);
}

void append_json_member(std::string& out, std::string_view name, std::string_view value) {
  out.append(out.empty() ? "{\"" : ",\"").append(name).append("\":");
  append_json_string(out, value);
}

// The headers of kRequestHeaders that the preflight asks for, in the spelling of that table.
std::string allowed_headers(std::string_view asked) {
  std::string allowed;
  for_each_in_list(asked, [&allowed](std::string_view name) {
    const auto known = std::ranges::find_if(kRequestHeaders, [name](std::string_view header) {
      return equal_ignoring_case(header, name);
    });
    if (known == std::end(kRequestHeaders) || allowed.find(*known) != std::string::npos) return;
    if (!allowed.empty()) allowed.append(", ");
    allowed.append(*known);
  });
  return allowed;
}

}  // namespace

Cors cors_of(const Request& request, OriginVerdict verdict) {
  const bool shared = verdict == OriginVerdict::listed || verdict == OriginVerdict::any;
  return shared ? Cors{.origin = request.origin, .verdict = verdict} : Cors{};
}

std::string_view reason_phrase(int status) {
  const auto known = std::ranges::find(kReasons, status, &Reason::status);
  return known == std::end(kReasons) ? "Unknown" : known->phrase;
}

ReplyBuilder::ReplyBuilder(int status) {
  CRIER_CHECK(status >= 200);
  CRIER_CHECK(status < 600);
  bytes_.reserve(512);
  bytes_.append("HTTP/1.1 ");
  append_number(bytes_, static_cast<std::uint64_t>(status));
  bytes_.append(" ").append(reason_phrase(status)).append("\r\n");
  field("Date", http_date_now());
}

ReplyBuilder& ReplyBuilder::field(std::string_view name, std::string_view value) {
  bytes_.append(name).append(": ").append(value).append("\r\n");
  return *this;
}

ReplyBuilder& ReplyBuilder::field(std::string_view name, std::uint64_t value) {
  bytes_.append(name).append(": ");
  append_number(bytes_, value);
  bytes_.append("\r\n");
  return *this;
}

ReplyBuilder& ReplyBuilder::options(const ReplyOptions& options) {
  field("Cache-Control", "no-store");
  field("X-Content-Type-Options", "nosniff");
  field("Connection", options.keep_alive ? "keep-alive" : "close");
  if (!options.allow.empty()) field("Allow", options.allow);
  if (options.retry_after_seconds > 0) field("Retry-After", options.retry_after_seconds);
  if (!options.trace_id.empty()) field("X-Trace-Id", options.trace_id);
  return cors(options.cors);
}

ReplyBuilder& ReplyBuilder::cors(const Cors& cors) {
  if (cors.origin.empty()) return *this;
  if (cors.verdict == OriginVerdict::any) {
    field("Access-Control-Allow-Origin", "*");
  } else {
    field("Access-Control-Allow-Origin", cors.origin);
    field("Access-Control-Allow-Credentials", "true");
  }
  field("Access-Control-Expose-Headers", "X-Trace-Id");
  return field("Vary", "Origin");
}

std::string ReplyBuilder::finish(std::string_view content_type, std::string_view body,
                                 bool head_only) {
  field("Content-Type", content_type);
  field("Content-Length", body.size());
  bytes_.append("\r\n");
  if (!head_only) bytes_.append(body);
  return std::move(bytes_);
}

std::string ReplyBuilder::finish() {
  bytes_.append("\r\n");
  return std::move(bytes_);
}

std::string error_reply(const Refusal& refusal, std::string_view trace_id,
                        const ReplyOptions& options) {
  std::string body;
  append_json_member(body, "code", refusal.code);
  append_json_member(body, "message", refusal.message);
  if (options.accepted > 0) append_number(body.append(",\"accepted\":"), options.accepted);
  if (!trace_id.empty()) append_json_member(body, "trace_id", trace_id);
  body.append("}\n");
  ReplyOptions complete = options;
  complete.trace_id = trace_id;
  return text_reply(refusal.status, kJsonType, body, complete);
}

std::string status_reply(const Refusal& refusal, std::uint32_t retry_after_seconds,
                         std::string_view trace_id, const Cors& cors, bool head_only) {
  CRIER_CHECK(refusal.status == 429 || refusal.status == 503);
  CRIER_CHECK(retry_after_seconds > 0);
  return error_reply(
      refusal, trace_id,
      {.head_only = head_only, .retry_after_seconds = retry_after_seconds, .cors = cors});
}

std::string busy_reply(const Refusal& refusal, std::uint32_t retry_ms, std::string_view trace_id,
                       const Cors& cors) {
  std::string body = "event: crier.busy\nretry: ";
  append_number(body, retry_ms);
  std::string data;
  append_json_member(data, "reason", refusal.code);
  append_json_member(data, "message", refusal.message);
  body.append("\ndata: ").append(data).append("}\n\n");
  return text_reply(200, kEventStreamUtf8, body, {.trace_id = trace_id, .cors = cors});
}

std::string text_reply(int status, std::string_view content_type, std::string_view body,
                       const ReplyOptions& options) {
  return ReplyBuilder(status).options(options).finish(content_type, body, options.head_only);
}

std::string stream_head(const StreamHead& head) {
  ReplyBuilder builder(200);
  builder.field("Content-Type", kEventStreamUtf8)
      .field("Cache-Control", "no-cache, no-transform")
      .field("X-Accel-Buffering", "no")
      .field("X-Content-Type-Options", "nosniff")
      .field("X-Trace-Id", head.trace_id)
      .cors(head.cors);
  if (head.http_1_0) {
    builder.field("Connection", "close");
  } else {
    builder.field("Transfer-Encoding", "chunked");
  }
  return builder.finish();
}

std::string preflight_reply(const Request& request, const Cors& cors) {
  CRIER_CHECK(is_preflight(request));
  ReplyBuilder builder(204);
  builder.options({.keep_alive = request.keep_alive, .cors = cors})
      .field("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS");
  const std::string headers = allowed_headers(request.access_control_request_headers);
  if (!headers.empty()) builder.field("Access-Control-Allow-Headers", headers);
  return builder.field("Access-Control-Max-Age", kPreflightSeconds).finish();
}

std::string empty_reply(const ReplyOptions& options) {
  return ReplyBuilder(204).options(options).finish();
}

std::string options_reply(std::string_view allow, const ReplyOptions& options) {
  ReplyOptions complete = options;
  complete.allow = allow;
  return empty_reply(complete);
}

}  // namespace crier::net
