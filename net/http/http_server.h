// HTTP/1.1 with keep-alive and pipelining for few, long connections: the publish socket and the
// admin port. (Subscribers, many and short on words, have their own way in.)
//
// Requests are handed to an HttpHandler in order of arrival, and a client that pipelines has up to
// `pipelined_max` of them at the handler at once; answers leave in the same order, those of one
// turn in one write. A client that does not read its answers, or has too many requests unanswered,
// is not read from: memory per connection is bounded by one head, one body, the read buffer and the
// answers owed.
//
// Every client is bounded in time, too: a request has to be whole `request_seconds_max` after its
// first byte (408), answers have to make progress within the same time, and a connection without a
// request is closed silently after `idle_seconds_max`. So is the handler: a request is answered 503
// after `answer_seconds_max`. Deadlines, and whether clients that wait are still there, are looked
// at every 250 ms.
//
// Whoever is connected and asks for nothing locks nobody out: at `connections_max` the connection
// that has been idle longest is closed for a newcomer; where none is idle, the one that has been at
// the head of its request longest, or has let us wait for the body longest, unless it waits for an
// answer to an earlier one. Only where there is no such connection either is the newcomer refused,
// and then nobody is closed for it. Clients that may send bodies are trusted that far: with a byte
// of each they hold their places for `request_seconds_max`.
//
// A connection that ends for another reason than the client's is flushed, shut down for writing and
// then read from for two seconds at most, so that the client can read its answer although it is
// still sending. While it lingers it does not count towards `connections_max`: beyond it there is
// room for 32 that linger, the refused among them, and where that does not do the one that has
// lingered longest is closed, however short that was. So clients never have more than
// `connections_max` + 32 descriptors open here.
//
// A turn serves connections for 2 ms, and what is still waiting goes on in the next one.
// Connections that have used least of the loop's time go first, so a client that asks for little
// waits for the request being handled, not for one of each busy client. A new connection, and one
// that comes back, begins with what the connection served last had used. A connection that has
// waited for a second goes first, for new ones may come without end. A single request is never cut.
//
// Connections are watched in a ready set of the server's own, never by libuv, which ends the
// process when the kernel has no room to watch one more (fs.epoll.max_user_watches). Such a
// connection is closed here, as without a descriptor accepts pause until the next look at the
// deadlines, and the counter `accepts_starved` says so.
//
// Belongs to its loop's thread. The handler must outlive it.
#pragma once

#include <uv.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "core/counter.h"
#include "core/result.h"
#include "net/http/head_reader.h"
#include "net/http/http_handler.h"
#include "net/loop/handle.h"
#include "net/loop/loop.h"
#include "net/loop/poll_handle.h"
#include "net/loop/timer.h"
#include "net/socket/fd.h"
#include "net/socket/ready_set.h"

namespace crier::net {

class HttpConnection;

// Connections that may linger when all others are taken, so that whoever is refused is told so.
inline constexpr std::size_t kLingerSlots = 32;

struct HttpServerOptions {
  HeadLimits head{.bodies = true};
  std::size_t body_bytes_max = std::size_t{8} << 20;  // 413 beyond, before any of it is read.
  unsigned request_seconds_max = 10;  // From the first byte of a request to its last.
  unsigned answer_seconds_max = 10;   // From a whole request to its answer: 503 beyond.
  unsigned idle_seconds_max = 60;     // Without a request.
  std::size_t connections_max = 256;  // Not lingering. Beyond, one gives way, or 503: see above.
  std::size_t pipelined_max = 8;      // Requests of one connection without an answer.
};

struct HttpServerCounters {
  Counter connections;          // Accepted and served.
  Counter connections_refused;  // Answered 503, or closed at once when even that is too much.
  Counter accepts_starved;  // Times the kernel had no descriptor, memory or watch for an accept.
  Counter requests;         // Handed to the handler.
  Counter refused;          // Answered by on_http_refused, 503 for lack of room aside.
  Counter timeouts;         // Of these, 408.
  Counter unanswered;       // Of these, 503 because the handler did not answer in time.
  Counter abandoned;        // Connections whose client left before it was answered.
  Counter stalled;          // Connections cut because the client did not read its answers.
  Counter idle_closed;
  Counter displaced;          // Closed for newcomers, those that lingered aside.
  Counter parsers_disagreed;  // An alarm: see HeadReader.
};

class HttpServer {
 public:
  HttpServer(Loop& loop, HttpHandler& handler, const HttpServerOptions& options);
  // Closes; what is still in flight ends on the loop.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Serves the connections of a listening, non-blocking Unix or TCP socket, which stays the
  // caller's: it may be closed after stop_accepting() or close(). May be called for several
  // sockets.
  [[nodiscard]] Result<void> listen(int fd);

  // Open connections are served on.
  void stop_accepting();
  // Stops accepting and ends every connection: answers that the kernel takes at once still leave.
  // Responders may be used on, in vain. Idempotent.
  void close();

  std::size_t connections() const { return open_; }  // Including those that linger.
  // Those that count towards connections_max.
  std::size_t serving() const { return open_ - lingering_.size(); }
  const HttpServerCounters& counters() const { return counters_; }

 private:
  friend class HttpConnection;
  friend class Responder;

  struct Slot {
    std::unique_ptr<HttpConnection> connection;
    std::uint32_t generation = 0;
    std::uint64_t used_us = 0;  // Of the loop's time, ever, beside what it is given on its return.
  };
  struct Marked {
    std::uint32_t index;
    std::uint32_t generation;
    Instant marked_at;
  };
  struct Acceptor {
    Acceptor(HttpServer& server, int listening_fd);
    PollHandle poll;
    int fd;
  };

  void accept_some(Acceptor& acceptor);
  void adopt(Fd socket, HttpPeer peer);
  void pause_accepts();
  bool make_room();
  bool displace_one();
  void sweep();
  void on_sockets_ready();

  // For connections.
  HttpConnection* find(std::uint32_t index, std::uint32_t generation) const;
  void forget(std::uint32_t index);
  void serve_next_turn(std::uint32_t index);
  void serve_marked();
  void start_next_turn();
  void call_next_turn(std::vector<OnChange> calls);
  void make_calls();

  Loop& loop_;
  HttpHandler& handler_;
  HttpServerOptions options_;
  HttpServerCounters counters_;
  std::optional<ReadySet> ready_;  // Connections; made by the first listen().
  PollHandle ready_poll_;
  std::deque<Acceptor> acceptors_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<std::unique_ptr<HttpConnection>>
      closed_;  // May be on the stack until this turn ends.
  std::size_t open_ = 0;
  std::list<HttpConnection*> lingering_;  // Of these, longest first; they see to it themselves.
  std::size_t hand_ = 0;                  // The slot at which displace_one() begins to compare.
  bool starved_ = false;                  // Acceptors are paused until the next sweep.
  std::vector<Marked> marked_;            // To be served next turn.
  std::uint64_t least_used_us_ = 0;       // What the connection served last had used before.
  Instant turn_ends_;            // Then no further request is taken from a connection's input.
  std::vector<OnChange> calls_;  // To writers whose connection has closed.
  Handle<uv_idle_t> next_turn_;
  Timer sweep_;
  // One for all connections: what one reads is taken before another reads.
  std::array<char, 64 * 1024> read_buffer_;
};

}  // namespace crier::net
