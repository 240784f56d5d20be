// What the fields of a head mean together: who is asked, how long the body is, what the client
// wants.
//
// Refuses whatever two servers in a row could read differently (RFC 9112 11.2): more than one Host
// or Content-Length, a Transfer-Encoding beside a length or of more than "chunked", an absolute
// target that names another host. "_" in a name is never taken for "-".
#pragma once

#include <string>
#include <string_view>

#include "net/http/head_gate.h"
#include "net/http/head_limits.h"
#include "net/http/request.h"

namespace crier::net {

// Null: `request` is filled with views into `head` and, if Accept was sent in several lines, into
// `joined_accept`. Requires: gate.scan() returned complete for this head.
const Refusal* judge_head(std::string_view head, const HeadGate& gate, const HeadLimits& limits,
                          Request& request, std::string& joined_accept);

}  // namespace crier::net
