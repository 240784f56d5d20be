// What the subscriber port does with a complete request: answer it now, answer it later, or take
// the connection over.
//
// A handler that has to ask elsewhere returns `later` from on_request(). If there is room, it is
// handed a token in on_deferred() and starts to ask; then exactly one of these ends the deferral:
//
//   the handler calls PendingRequests::answer() with the token
//   the deadline passes: on_deferral_expired()
//   the client leaves, or its place is needed: on_deferral_cancelled()
//
// Handlers that never return `later` leave out the on_defer… methods.
#pragma once

#include <cstdint>
#include <string>

#include "core/check.h"
#include "net/http/request.h"
#include "net/socket/peer_address.h"

namespace crier::net {

struct Reply {
  enum class Then : std::uint8_t {
    keep_alive,  // Serve the next request of this connection.
    close,       // Flush, then close in an orderly way.
    taken,       // The handler owns the descriptor now; `bytes` is empty.
    later,       // The handler answers with a token; `bytes` is empty. From on_request() alone.
  };
  Then then = Then::close;
  std::string bytes;
};

// Names one deferred request. A token is never reused before 2^32 other requests were deferred.
struct DeferralToken {
  std::uint32_t row = 0;
  std::uint32_t generation = 0;
  friend bool operator==(DeferralToken, DeferralToken) = default;
};

// Called by PendingRequests, on its thread; none of the methods may call back into it.
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

  // The request that on_request() has just wanted to answer later is deferred. The views of
  // `request` stay good until the deferral ends.
  virtual void on_deferred(DeferralToken, const Request&, const Accepted&) { CRIER_CHECK(false); }
  // As many requests are deferred as may be: returns the answer, with `keep_alive` or `close`.
  virtual Reply on_deferral_refused(const Request&, const Accepted&) {
    CRIER_CHECK(false);
    return {};
  }
  // The deadline has passed, the token is stale: returns the answer, with `keep_alive` or `close`.
  virtual Reply on_deferral_expired(DeferralToken, const Request&, const Accepted&) {
    CRIER_CHECK(false);
    return {};
  }
  // The client has left, or sent more than is kept, or its place was needed: the token is stale.
  virtual void on_deferral_cancelled(DeferralToken) { CRIER_CHECK(false); }
};

}  // namespace crier::net
