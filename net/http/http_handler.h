// The interface between an HttpServer and the program that answers its requests.
//
// The program implements HttpHandler. For each request the server hands it a Responder, with which
// it answers: whole, now or later, by reply(); or piece by piece, by stream() and an AnswerStream.
// Everything here belongs to the thread of the server's loop.
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

// The sender of a request.
struct HttpPeer {
  bool local = false;           // The client is connected through a Unix socket.
  PeerCredentials credentials;  // Set for a Unix socket.
  PeerAddress address;          // Set for TCP.
};

// A request with its whole body. Valid during the call alone: the handler copies what it needs
// later.
struct HttpRequest {
  const Request& head;
  std::string_view body;
  const HttpPeer& peer;
  // When its last bytes were known to be there, or a little before; it may have waited its turn
  // since then.
  Instant arrived;
};

// The most bytes of a streamed answer that the daemon holds for a slow client. A client that reads
// as fast as the writer writes needs a buffer for one turn of the loop.
inline constexpr std::size_t kStreamedBytesMax = 64 * 1024;
inline constexpr std::size_t kStreamPieceMax = kStreamedBytesMax / 2;

// Tells a writer that its answer has room again, or is no longer wanted. The server calls it from
// the loop, never from within a call of the writer.
using OnChange = std::function<void()>;

// The right to answer one request, exactly once, now or in a later turn of the same loop. Copies
// stand for the same request. A Responder must not outlive the server. It may outlive the
// connection; its answer is then dropped.
//
// If the oldest request of a connection has had no answer for `answer_seconds_max`, the server
// answers it itself, with 503 from on_http_refused(), and closes the connection.
class Responder {
 public:
  // Answers with `bytes`, a complete response with head and body. The server closes the connection
  // after it if `close` is true or the client did not ask to keep the connection; `bytes` must then
  // contain `Connection: close`. The answers of one connection leave in the order of its requests.
  // Requires: not answered yet.
  void reply(std::string bytes, bool close) const;

  // Begins an answer that is written piece by piece. `head` is a whole head, as
  // ReplyBuilder::finish() makes it, without Connection, Content-Length and Transfer-Encoding: the
  // connection adds those that apply. The body is chunked; for HTTP/1.0 it ends with the
  // connection; the answer to HEAD has none. `on_change` may be empty; it lives until the answer
  // ends or is dropped. Requires: not answered yet.
  AnswerStream stream(std::string head, OnChange on_change) const;

  // Whether the answer is missing or unfinished and the server has not seen the client leave. The
  // server notices within 250 ms that a client of a Unix socket closes. On TCP a close looks like
  // the end of sending, after which a client may still read; the server notices it when it writes.
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

// An answer that is written piece by piece. Copies stand for the same answer. The rules of
// Responder for its life apply here, too.
class AnswerStream {
 public:
  // Takes all of `bytes` and returns true, or takes none and returns false: because more than
  // kStreamedBytesMax would wait for the kernel or for the answers before this one, or because
  // wanted() is false. After a refusal the server calls on_change when a piece of kStreamPieceMax
  // fits. It also calls on_change once when the answer is no longer wanted.
  // Requires: bytes.size() <= kStreamPieceMax; end() was not called.
  [[nodiscard]] bool write(std::string_view bytes) const;
  // Completes the answer. Requires: end() was not called before.
  void end() const;
  bool wanted() const { return responder_.wanted(); }
  // Bytes that the kernel has not taken, those of earlier answers included. 0 if it is not wanted.
  std::size_t waiting() const;

 private:
  friend class Responder;
  explicit AnswerStream(const Responder& responder) : responder_(responder) {}

  Responder responder_;
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // Answers `request`, now or later, through `responder`.
  virtual void on_http_request(const HttpRequest& request, Responder responder) = 0;
  // Returns the complete response for a request that the server cannot serve: its head or body is
  // refused (4xx, 5xx), it came too slowly (408), there are too many connections (503), or the
  // handler has not answered in time (503). The server closes the connection after it.
  virtual std::string on_http_refused(const Refusal& refusal, const HttpPeer& peer) = 0;
};

}  // namespace crier::net
