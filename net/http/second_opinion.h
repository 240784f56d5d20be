// Parses a head that the gate accepted with llhttp, and compares the two readings piece by piece.
//
// llhttp runs in strict mode, without any lenient flag. Tested with llhttp 8.1 to 9.4; 8.1 accepts
// much that is invalid, so the gate comes first. Any thread.
#pragma once

#include <string_view>

#include "net/http/head_gate.h"
#include "net/http/request.h"

namespace crier::net {

// Whether llhttp finds in `head` exactly one complete message, which ends where the head ends and
// has the same method, target, version, fields and body length.
bool llhttp_agrees(std::string_view head, const HeadGate& gate, const Request& request);

}  // namespace crier::net
