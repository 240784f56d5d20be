// llhttp's reading of a head that the gate let through, compared with the gate's, piece by piece.
//
// llhttp runs strict, and no lenient flag is ever set. Works with llhttp 8.1 (loose in what it
// accepts, hence the gate) to 9.4.
#pragma once

#include <string_view>

#include "net/http/head_gate.h"
#include "net/http/request.h"

namespace crier::net {

// Does llhttp, given exactly this head, find one complete message that ends where the head ends,
// with the same method, target, version, fields and body length?
bool llhttp_agrees(std::string_view head, const HeadGate& gate, const Request& request);

}  // namespace crier::net
