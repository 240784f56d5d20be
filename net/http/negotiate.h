// Judges a request's Accept, Origin, Host and trace id. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/http/request.h"

namespace crier::net {

// Whether the answer may be text/event-stream (RFC 9110 12.5.1): there is no Accept, or the most
// specific of text/event-stream, text/* and */* in it has a weight above 0.
bool accepts_event_stream(const Request& request);

// Whether Accept names text/event-stream itself, as every EventSource does. A client that names
// only */* is a program that handles status codes.
bool names_event_stream(const Request& request);

enum class OriginVerdict : std::uint8_t {
  none,       // There is no Origin: the request is not a browser's cross-origin one.
  same_host,  // The origin is the request's own Host; no CORS headers are needed.
  listed,     // The list names the origin: it may send credentials.
  any,        // Only "*" allows the origin: it may not send credentials.
  refused,
};

// `origins` holds exact origins, e.g. "https://app.example", and perhaps "*". The origin "null",
// which any sandboxed page has, is always refused.
OriginVerdict judge_origin(const Request& request, const std::vector<std::string>& origins);

// Whether `host`, the value of a Host header, is an IP address, "localhost" or in `hosts`; this
// stops DNS rebinding. Ignores ports and case on both sides. An empty host is not allowed.
bool host_allowed(std::string_view host, const std::vector<std::string>& hosts);

// Whether the request is a CORS preflight (Fetch standard, 3.2.2) and not a plain OPTIONS.
bool is_preflight(const Request& request);

// The trace id that the client sent, in X-Trace-Id or else in traceparent. Empty if there is none,
// or if it is not 1 to 64 letters, digits, '-', '_' and '.', and so must not be repeated.
std::string_view trace_id_of(const Request& request);

}  // namespace crier::net
