// What the subscriber port does with a complete request: answer it, or take the connection over.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "net/request.h"

namespace crier::net {

// A peer's address as limits see it: IPv4 whole, IPv6 by its /64; IPv4 mapped into IPv6 is IPv4.
struct PeerAddress {
  std::array<std::uint8_t, 16> bytes{};
  std::uint16_t port = 0;
  bool v6 = false;
};

// A connection of a subscriber.
struct Accepted {
  int fd = -1;
  PeerAddress peer;
  bool canary = false;  // It was given the options of a canary: see SocketPlan.
};

// Readable, e.g. "203.0.113.7:50312" or "[2001:db8::1]:50312".
std::string to_string(const PeerAddress& address);

struct Reply {
  enum class Then : std::uint8_t {
    keep_alive,  // Serve the next request of this connection.
    close,       // Flush, then close in an orderly way.
    taken,       // The handler owns the descriptor now; `bytes` is empty.
  };
  Then then = Then::close;
  std::string bytes;
};

class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  // A request arrived whole. Returning `taken` moves the descriptor to the handler, which
  // must already have registered it under its own token (see ReadySet) and may have written to it.
  // `registered`: it is in the ready set under the pending request's token, so the handler must
  // re-tag it.
  virtual Reply on_request(const Request& request, const Accepted& connection, bool registered) = 0;
  // The head was refused, or its deadline passed (408); returns the bytes to send before closing.
  virtual std::string on_refused(const Refusal& refusal, const PeerAddress& peer) = 0;
};

}  // namespace crier::net
