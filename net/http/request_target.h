// Splits a request target into its parts: RFC 9112 3.2, without the forms that only proxies need.
//
//   /events?topic=a                  origin-form
//   http://host/events?topic=a       absolute-form; head_rules.h compares its authority with Host
//   *                                asterisk-form, OPTIONS only
//
// Pure functions; any thread.
#pragma once

#include <string_view>

#include "net/http/request.h"

namespace crier::net {

struct RequestTarget {
  std::string_view authority;  // Only in the absolute form; otherwise empty.
  std::string_view path;       // Never empty.
  std::string_view query;      // Without the '?'.
};

// Returns the reason to refuse the target, or null. On null, `parsed` holds views into `target` or
// a constant. Accepts any query: only the handler knows what it means. Requires: HeadGate accepted
// `target`.
const Refusal* parse_target(std::string_view target, Method method, RequestTarget& parsed);

// Whether `host` has the form `host` or `host:port`: letters, digits, '.', '-', '_', or an IPv6
// address in brackets; a port up to 65535.
bool is_valid_host(std::string_view host);

// The host without its port; an IPv6 address keeps its brackets. Requires: is_valid_host(host).
std::string_view without_port(std::string_view host);

}  // namespace crier::net
