// A request target taken apart: RFC 9112 3.2, without the forms a proxy needs.
//
//   /events?topic=a                  origin-form
//   http://host/events?topic=a       absolute-form; the authority must equal Host (head_rules.h
//   checks)
//   *                                asterisk-form, OPTIONS only
#pragma once

#include <string_view>

#include "net/http/request.h"

namespace crier::net {

struct RequestTarget {
  std::string_view authority;  // Of the absolute form; else empty.
  std::string_view path;       // Never empty.
  std::string_view query;      // Without the '?'.
};

// Null: `parsed` holds views into `target`, or a constant. Else why not; never about the query,
// which only the handler understands. Requires: HeadGate let `target` through.
const Refusal* parse_target(std::string_view target, Method method, RequestTarget& parsed);

// Is this `host` or `host:port`: letters, digits, '.', '-', '_', or an address in brackets; a port
// up to 65535?
bool is_valid_host(std::string_view host);

// The host without its port; an IPv6 address keeps its brackets. Requires: is_valid_host(host).
std::string_view without_port(std::string_view host);

}  // namespace crier::net
