// What an HttpServer asks of the program behind it, and how that answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/http/request.h"
#include "net/socket/peer_address.h"
#include "net/socket/peer_credentials.h"

namespace crier::net {

class HttpServer;

// Who sent a request: credentials on a Unix socket, an address on TCP.
struct HttpPeer {
  bool local = false;  // A Unix socket.
  PeerCredentials credentials;
  PeerAddress address;
};

// A request with its whole body. Valid during the call alone: copy what is needed later.
struct HttpRequest {
  const Request& head;
  std::string_view body;
  const HttpPeer& peer;
};

// The right to answer one request, exactly once, now or in a later turn of the same loop. Copies
// stand for the same request. Must not outlive the server; may outlive the connection: the answer
// then goes nowhere.
//
// A request that is never answered holds up its connection until the client leaves.
class Responder {
 public:
  // `bytes` is a complete response, head and body, and itself says `Connection: close` where that
  // applies: the connection is closed after it if `close` is true or the client did not ask to keep
  // it. Answers of one connection leave in the order of its requests. Requires: not answered yet.
  void reply(std::string bytes, bool close) const;

  // Is anybody still there to read the answer, as far as we know?
  bool wanted() const;

 private:
  friend class HttpConnection;
  Responder(HttpServer* server, std::uint32_t index, std::uint32_t generation,
            std::uint64_t ordinal)
      : server_(server), index_(index), generation_(generation), ordinal_(ordinal) {}

  HttpServer* server_;
  std::uint32_t index_;
  std::uint32_t generation_;
  std::uint64_t ordinal_;
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  virtual void on_http_request(const HttpRequest& request, Responder responder) = 0;
  // The request cannot be served: the head or the body is refused (4xx, 5xx), it came too slowly
  // (408), or there are too many connections (503). Returns the complete response; the connection
  // is closed after it.
  virtual std::string on_http_refused(const Refusal& refusal) = 0;
};

}  // namespace crier::net
