// HTTP/1.1 with keep-alive and pipelining for few, long connections: the publish socket and the
// admin port. Subscribers, which are many and send one short head each, use net/pending/.
//
// Requests. The server hands requests to an HttpHandler in order of arrival. A client that
// pipelines has up to `pipelined_max` of them at the handler at once: fewer once their
// bodies add up to 1 MiB, and at most eight that are no POST. Answers leave in the order of the
// requests, those of one turn in one write. The server does not read from a client that does not
// read its answers or has too many requests unanswered. The memory of a connection is thus
// bounded by one head, one body, the read buffer and the answers owed.
//
// Deadlines. A request must be whole `request_seconds_max` after its first byte (408), and answers
// must make progress within the same time. The server closes a connection without a request
// silently after `idle_seconds_max`. It answers a request with 503 if the handler has not answered
// for `answer_seconds_max`. It checks deadlines, and whether waiting clients are still there, every
// 250 ms.
//
// Room. Idle connections never keep a new one out: at `connections_max` the server closes the
// connection that has been idle longest. If none is idle, it closes the one whose client has kept
// it waiting longest for the rest of a head or the beginning of a body, unless that client waits
// for an earlier answer. It closes no connection that has been idle or has waited for less than
// 100 ms, because its client's next bytes may still be unread. If there is no such connection, the
// server refuses the new one and closes none. Clients whose body has begun are trusted: they can
// hold their places for `request_seconds_max`. Only a user that holds more than half of the places
// loses one to another user's connection: the one that has waited longest for the rest of a body
// (503), or for its client to read.
//
// Lingering. When the server ends a connection, it writes the answers, shuts the socket down for
// writing and reads input away for two seconds at most, so that a client that is still sending can
// read its answer. Lingering connections do not count towards `connections_max`; beyond it there is
// room for kLingerSlots of them, refused ones included. If that room is used up, the connection
// that has lingered longest is closed. Clients therefore never hold more than `connections_max` +
// kLingerSlots descriptors.
//
// Fairness. A turn serves connections for 4 ms; the others are served in later turns. Connections
// that have used least of the loop's time go first, so that a client that asks for little waits for
// the request being handled and not for one of each busy client. A new connection, and one that
// was idle, starts with the time used by the connection that was served last. A connection that
// has waited for a second goes first, because new connections could arrive without end. A turn
// never interrupts a request.
//
// Kernel limits. The server watches connections in its own ready set. libuv would end the process
// when the kernel cannot watch one more (fs.epoll.max_user_watches); the server closes such a
// connection, pauses accepting for kStarvedPauseMs and counts `accepts_starved`. It does the same,
// without a connection to close, when the kernel has no descriptor.
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
#include "core/memory_pressure.h"
#include "core/result.h"
#include "core/turn_limits.h"
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

// Lingering connections beyond `connections_max`: refused clients need one to read their 503.
inline constexpr std::size_t kLingerSlots = 32;

struct HttpServerOptions {
  HeadLimits head{.bodies = true};
  // A longer body is refused with 413, unread. 0: each body is refused as where there are none.
  std::size_t body_bytes_max = std::size_t{8} << 20;
  unsigned request_seconds_max = 10;  // From the first byte of a request to its last.
  unsigned answer_seconds_max = 10;   // From a whole request to its answer; then 503.
  unsigned idle_seconds_max = 60;     // The longest time of a connection without a request.
  std::size_t connections_max = 256;  // Connections that do not linger; see "Room" above.
  std::size_t pipelined_max = 8;      // Unanswered requests of one connection.
  // At refuse_events, bodies that are still arriving are refused with 503. Null: never. Outlives
  // the server.
  const MemoryShortage* shortage = nullptr;
};

struct HttpServerCounters {
  Counter connections;          // Accepted and served.
  Counter connections_refused;  // Answered 503, or closed at once where no slot is free.
  Counter accepts_starved;      // The kernel had no descriptor, memory or watch for an accept.
  Counter requests;             // Requests handed to the handler.
  Counter refused;            // Requests answered by on_http_refused(); too many connections aside.
  Counter timeouts;           // Part of `refused`: 408.
  Counter unanswered;         // Part of `refused`: 503, the handler did not answer in time.
  Counter abandoned;          // Connections whose client left before it was answered.
  Counter stalled;            // Connections closed because the client did not read its answers.
  Counter idle_closed;        // Connections closed after `idle_seconds_max`.
  Counter displaced;          // Connections closed for new ones; lingering ones aside.
  Counter parsers_disagreed;  // An alarm: see HeadReader.
};

class HttpServer {
 public:
  HttpServer(Loop& loop, HttpHandler& handler, const HttpServerOptions& options);
  // Calls close(). The loop frees the handles later.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Serves the connections of a listening, non-blocking Unix or TCP socket. The caller owns the
  // descriptor and may close it after stop_accepting() or close(). May be called for several
  // sockets. Fails with Errc::os when the kernel cannot watch the socket.
  [[nodiscard]] Result<void> listen(int fd);

  // Accepts no more connections and continues to serve the open ones.
  void stop_accepting();
  // Sets HttpServerOptions::body_bytes_max, from the next head on.
  void set_body_bytes_max(std::size_t bytes) { options_.body_bytes_max = bytes; }
  // Stops accepting and closes every connection, after one write of its answers. Responders may
  // still be used; their answers are dropped. Idempotent.
  void close();

  std::size_t connections() const { return open_; }  // Including those that linger.
  // Those that count towards connections_max.
  std::size_t serving() const { return open_ - lingering_.size(); }
  // Whether a connection waits for the next turn, usually with further requests.
  bool has_waiting() const { return !marked_.empty(); }
  const HttpServerCounters& counters() const { return counters_; }

 private:
  friend class HttpConnection;
  friend class Responder;

  struct Slot {
    std::unique_ptr<HttpConnection> connection;
    std::uint32_t generation = 0;
    std::uint64_t used_us = 0;  // The loop's time used so far; raised when it was idle.
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
  void resume_accepts();
  bool make_room(uid_t newcomer);
  bool displace_one();
  bool displace_one_of_crowd(uid_t newcomer);
  void sweep();
  void on_sockets_ready();

  // Used by connections and responders.
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
  std::optional<ReadySet> ready_;  // Watches connections; created by the first listen().
  PollHandle ready_poll_;
  std::deque<Acceptor> acceptors_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  // Their methods may be on the stack, so they are freed in the next turn.
  std::vector<std::unique_ptr<HttpConnection>> closed_;
  std::size_t open_ = 0;                  // Connections, lingering ones included.
  std::list<HttpConnection*> lingering_;  // Longest first; connections add and remove themselves.
  std::size_t hand_ = 0;                  // The slot at which displace_one() begins to compare.
  std::vector<Marked> marked_;            // Connections to serve in the next turn.
  std::vector<Marked> spare_;             // Empty: the memory of `marked_` in turns.
  std::uint64_t least_used_us_ = 0;       // The used_us with which the last connection was served.
  Instant now_;                           // As of the end of the last request or step of a turn.
  Instant turn_ends_;                     // After it connections take no further request.
  std::vector<OnChange> calls_;           // Calls due to writers whose connection has closed.
  Handle<uv_idle_t> next_turn_;
  Timer sweep_;
  Timer starved_timer_;                      // While it runs, acceptors are paused.
  std::array<Ready, kReadyBatchMax> batch_;  // Kept, because making it costs more than filling it.
  // All connections share it: each takes the bytes that it read before another one reads.
  std::array<char, 64 * 1024> read_buffer_;
};

}  // namespace crier::net
