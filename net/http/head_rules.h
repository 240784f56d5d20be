// Judges the fields of a head together: the host, the length of the body, what the client accepts.
//
// Refuses every head that a proxy and crier could read differently (RFC 9112 11.2): more than one
// Host or Content-Length, a Transfer-Encoding beside a length or with more than "chunked", an
// absolute target that names another host. "_" in a field name is never read as "-". Pure; any
// thread.
#pragma once

#include <string>
#include <string_view>

#include "net/http/head_gate.h"
#include "net/http/head_limits.h"
#include "net/http/request.h"

namespace crier::net {

// Returns the reason to refuse the head, or null. On null, `request` holds views into `head` and,
// if Accept was sent in several lines, into `joined_accept`. Requires: gate.scan() returned
// complete for this head.
const Refusal* judge_head(std::string_view head, const HeadGate& gate, const HeadLimits& limits,
                          Request& request, std::string& joined_accept);

}  // namespace crier::net
