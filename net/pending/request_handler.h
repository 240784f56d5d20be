// What the subscriber port does with a complete request: answer it, or take the connection over.
#pragma once

#include <cstdint>
#include <string>

#include "net/http/request.h"
#include "net/socket/peer_address.h"

namespace crier::net {

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
