// The interface between the subscriber port and the program behind it. The program handles each
// complete request: it answers now, answers later, or takes the connection over.
//
// A handler that cannot answer yet returns `later` from on_request(). If fewer than `deferred_max`
// requests are deferred, the port calls on_deferred() with a token; otherwise it calls
// on_deferral_refused(). Exactly one of these ends a deferral:
//
//   - the handler calls PendingRequests::answer() with the token;
//   - the deadline passes: on_deferral_expired();
//   - the client leaves, or its place is needed: on_deferral_cancelled().
//
// Handlers that never return `later` need not implement the on_defer… methods. Everything here
// belongs to one worker.
#pragma once

#include <cstdint>
#include <string>

#include "core/check.h"
#include "core/instant.h"
#include "core/proxies.h"
#include "net/http/request.h"
#include "net/socket/peer_address.h"

namespace crier::net {

struct Reply {
  enum class Then : std::uint8_t {
    keep_alive,  // Serve the next request of this connection.
    close,       // Write the answer, send FIN, then close.
    taken,       // The handler owns the descriptor now; `bytes` is empty.
    later,       // The handler answers with a token; `bytes` is empty. Only from on_request().
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

// PendingRequests calls it, on its thread. None of the methods may call back into PendingRequests.
class RequestHandler {
 public:
  virtual ~RequestHandler() = default;
  // Whether a connection of this peer, which was just accepted, is to be closed unread.
  virtual bool turns_away(const PeerAddress&, Instant) { return false; }
  // Whether a connection of this peer, which was just accepted, begins with a PROXY header.
  virtual ProxyProtocol proxy_protocol(const PeerAddress&) const { return ProxyProtocol::off; }
  // Handles a complete request. A handler that returns `taken` owns the descriptor; it must have
  // put it into the ready set under its own token before, and may have written to it. `registered`:
  // the socket is in the ready set under the pending request's token, so the handler must re-tag it
  // instead.
  virtual Reply on_request(const Request& request, const Accepted& connection, bool registered) = 0;
  // Returns the bytes to send before the connection closes, because the head was refused or its
  // deadline passed (408).
  virtual std::string on_refused(const Refusal& refusal, const PeerAddress& peer) = 0;

  // The request for which on_request() returned `later` is deferred. The views of `request` stay
  // valid until the deferral ends.
  virtual void on_deferred(DeferralToken, const Request&, const Accepted&) { CRIER_CHECK(false); }
  // `deferred_max` requests are deferred already. Returns the answer, with `keep_alive` or `close`.
  virtual Reply on_deferral_refused(const Request&, const Accepted&) {
    CRIER_CHECK(false);
    return {};
  }
  // The deadline has passed and the token is stale. Returns the answer, with `keep_alive` or
  // `close`.
  virtual Reply on_deferral_expired(DeferralToken, const Request&, const Accepted&) {
    CRIER_CHECK(false);
    return {};
  }
  // The token is stale: the client has left, has sent more than kHeldBytesMax, or its place was
  // needed.
  virtual void on_deferral_cancelled(DeferralToken) { CRIER_CHECK(false); }
};

}  // namespace crier::net
