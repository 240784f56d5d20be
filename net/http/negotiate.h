// What a request's Accept, Origin and Host allow. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "net/http/request.h"

namespace crier::net {

// May the answer be text/event-stream (RFC 9110 12.5.1)? Yes without Accept, or if the most
// specific of text/event-stream, text/* and */* that it names has a weight above 0.
bool accepts_event_stream(const Request& request);

// Does Accept name text/event-stream itself? So does every EventSource; what asks for */* is a
// program that understands a status code.
bool names_event_stream(const Request& request);

enum class OriginVerdict : std::uint8_t {
  none,       // No Origin: not a browser's cross-origin request.
  same_host,  // The origin is the request's own Host; no CORS headers needed.
  listed,     // Named in the list: may send credentials.
  any,        // Let in by "*" alone: without credentials.
  refused,
};

// `origins` holds exact origins, e.g. "https://app.example", and perhaps "*". The origin "null",
// which any sandboxed page has, is always refused.
OriginVerdict judge_origin(const Request& request, const std::vector<std::string>& origins);

// Against DNS rebinding: is `host` (of a Host header) an IP address, "localhost" or in `hosts`?
// Ports are ignored on both sides, and so is case. No Host at all is not allowed.
bool host_allowed(std::string_view host, const std::vector<std::string>& hosts);

// A CORS preflight (Fetch standard, 3.2.2), rather than a plain OPTIONS?
bool is_preflight(const Request& request);

// The trace id the client sent, in X-Trace-Id or else in traceparent; empty if there is none or it
// is not fit to be repeated: 1 to 64 letters, digits, '-', '_' and '.'.
std::string_view trace_id_of(const Request& request);

}  // namespace crier::net
