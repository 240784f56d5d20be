// What an HttpServer asks of the program behind it, and how that answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/instant.h"
#include "net/http/request.h"
#include "net/socket/peer_address.h"
#include "net/socket/peer_credentials.h"

namespace crier::net {

class AnswerStream;
class HttpConnection;
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
  // When its last bytes were known to be there, or a little before; it may have waited its turn
  // since then.
  Instant arrived;
};

// A client that reads as fast as we write needs a buffer for one turn of the loop; for a slow one
// this is all that the daemon holds, whatever the writer has to say.
inline constexpr std::size_t kStreamedBytesMax = 64 * 1024;
inline constexpr std::size_t kStreamPieceMax = kStreamedBytesMax / 2;

// Called from the loop, never from within a call that the writer makes.
using OnChange = std::function<void()>;

// The right to answer one request, exactly once, now or in a later turn of the same loop. Copies
// stand for the same request. Must not outlive the server; may outlive the connection: the answer
// then goes nowhere.
//
// The server answers a request itself, 503 by on_http_refused(), and closes its connection when it
// is the oldest of that connection and has had no answer for `answer_seconds_max`.
class Responder {
 public:
  // `bytes` is a complete response, head and body, and itself says `Connection: close` where that
  // applies: the connection is closed after it if `close` is true or the client did not ask to keep
  // it. Answers of one connection leave in the order of its requests. Requires: not answered yet.
  void reply(std::string bytes, bool close) const;

  // Answers piece by piece; `head` is a whole head, as ReplyBuilder::finish() makes it, without
  // Connection, Content-Length and Transfer-Encoding: the connection adds what applies. The body
  // is chunked, or for HTTP/1.0 ended by the end of the connection; the answer to HEAD has none.
  // `on_change` may be empty; it and what it captures live until the answer ends or is dropped.
  // Requires: not answered yet.
  AnswerStream stream(std::string head, OnChange on_change) const;

  // Is the request unanswered, or its answer unfinished, and the client still there as far as we
  // know? A client of a Unix socket that closes is noticed within 250 ms. On TCP a close looks like
  // the end of sending alone, after which answers are still read, until the first bytes written.
  bool wanted() const;

 private:
  friend class AnswerStream;
  friend class HttpConnection;
  Responder(HttpServer* server, std::uint32_t index, std::uint32_t generation,
            std::uint64_t ordinal)
      : server_(server), index_(index), generation_(generation), ordinal_(ordinal) {}
  HttpConnection* connection() const;  // Null once the connection has closed.

  HttpServer* server_;
  std::uint32_t index_;
  std::uint32_t generation_;
  std::uint64_t ordinal_;
};

// An answer that is written piece by piece. Copies stand for the same answer; lives like Responder.
class AnswerStream {
 public:
  // Takes all of `bytes`, or none and returns false: more than kStreamedBytesMax would wait for the
  // kernel, or for the answers before this one, or wanted() is false. on_change is called when
  // there is room for a piece of any size allowed, and once when the answer is no longer wanted.
  // Requires: bytes.size() <= kStreamPieceMax; end() was not called.
  [[nodiscard]] bool write(std::string_view bytes) const;
  // The answer is complete. Requires: not called before.
  void end() const;
  bool wanted() const { return responder_.wanted(); }

 private:
  friend class Responder;
  explicit AnswerStream(const Responder& responder) : responder_(responder) {}

  Responder responder_;
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  virtual void on_http_request(const HttpRequest& request, Responder responder) = 0;
  // The request cannot be served: the head or the body is refused (4xx, 5xx), it came too slowly
  // (408), there are too many connections, or the handler has not answered in time (503). Returns
  // the complete response; the connection is closed after it.
  virtual std::string on_http_refused(const Refusal& refusal) = 0;
};

}  // namespace crier::net
