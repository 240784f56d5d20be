// Connections of the subscriber port that are in their HTTP request: from accept until they are
// answered and closed, or taken over as a stream.
//
//   accept ─► head ─► on_request ─► taken: the row is free, the handler owns the descriptor
//              ▲          │
//              │          ├─ keep_alive ─► (flush) ─► idle ─► head …
//              │          '─ close ──────► (flush) ─► linger ─► closed
//              │          ├─ later ─► on_deferred ─► deferred ─► answer(): one of the above
//              '- refused or too late ─► on_refused ─► as close
//
// Turning away. The handler may have a connection closed at once, by its peer's address: nothing is
// read or rented for it.
//
// Reading. The first read follows accept at once. Most heads are complete then, and such a socket
// enters the ready set only under its stream's token. Sockets are edge-triggered: a connection that
// has used up its share of a turn before EAGAIN is kept in a list of work for the next turn.
//
// PROXY protocol. Where the handler says so, a header is read before the first head. The address it
// names is then the peer's for all requests of the connection. The deadline of the head includes
// it.
//
// Deadlines. The head's deadline runs from accept, or from the first byte of a later request, and
// no byte resets it (slow loris). When it passes, the connection is answered 408 if bytes of a head
// have come, and closed silently if none has, because browsers open sockets in advance.
//
// Room. When more than `capacity` rows are in use, the oldest is evicted: idle ones first, then
// lingering ones, then unfinished heads or unread answers, whichever are more, then the others of
// these two, then deferred requests.
//
// Deferral. While a request is deferred, its head stays valid and its connection is watched. The
// client's FIN cancels the request, even if the client only ends its sending side. Requests that
// are pipelined behind it wait, up to kHeldBytesMax bytes; a client that sends more is closed.
//
// Closing. After an answer that ends the connection this class sends FIN and reads input away until
// the peer closes, too: unread input would cause a RST, which can destroy the answer (RFC 9112,
// section 9.6).
//
// Belongs to one worker. The handler must not call back into it from one of its own methods.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "core/counter.h"
#include "core/instant.h"
#include "net/pending/pending_pool.h"
#include "net/pending/request_handler.h"
#include "net/socket/ready_set.h"

namespace crier::net {

struct PendingLimits {
  HeadLimits head;
  std::size_t capacity = 1024;        // Rows held between turns.
  std::uint32_t head_ms = 10'000;     // From accept, or a head's first byte, to its end.
  std::uint32_t idle_ms = 30'000;     // From an answer to the next request.
  std::uint32_t flush_ms = 10'000;    // From the first short write of an answer to its end.
  std::uint32_t linger_ms = 1'000;    // From crier's FIN to the peer's.
  std::size_t deferred_max = 256;     // Requests deferred at the same time.
  std::uint32_t deferred_ms = 5'000;  // From the deferral to on_deferral_expired().
};

// A connection's share of a turn: requests served and reads made.
inline constexpr std::size_t kRequestsPerBurst = 8;
inline constexpr std::size_t kReadsPerBurst = 4;
inline constexpr std::size_t kReadBytes = 16 * 1024;
inline constexpr std::size_t kLingerBytesMax = 64 * 1024;
// Bytes kept behind a deferred request. The rest of the read that brought the request always fits.
inline constexpr std::size_t kHeldBytesMax = kReadBytes;
// Rows continued in one run(), and rows whose deadlines are applied in one sweep() or run().
inline constexpr std::size_t kRowsPerRun = 64;

struct PendingCounters {
  Counter accepted;              // Connections.
  Counter turned_away;           // Of these, closed unread because the handler wished it.
  Counter requests;              // Complete heads, handed to the handler.
  Counter refused_malformed;     // Heads refused with 400.
  Counter refused_too_large;     // Heads refused with 413, 414 or 431.
  Counter refused_unsupported;   // Heads refused with another status: 405, 411, 417, 501, 505.
  Counter parser_disagreements;  // Also counted as malformed; more than 0 hints at smuggling.
  Counter timeouts;              // Heads begun and not complete in time: 408.
  Counter silent_timeouts;       // Connections closed without a byte of a head; idle ones, too.
  // Connections whose peer left, did not read its answer in time, or sent too many bytes behind a
  // deferred request.
  Counter abandoned;
  Counter evicted;  // Connections closed to make room.
  Counter starved;  // Connections closed because the ready set could not watch them.
  // Gauges, as of the last sweep: connections that are held, and those of which a part of a head
  // has come.
  Counter held;
  Counter heads;

  void count_refusal(int status) {
    if (status == 400) return refused_malformed.add();
    const bool too_large = status == 413 || status == 414 || status == 431;
    (too_large ? refused_too_large : refused_unsupported).add();
  }
};

class PendingRequests {
 public:
  // `ready` and `handler` must outlive it. Requires: limits.capacity > 0.
  PendingRequests(const PendingLimits& limits, ReadySet& ready, RequestHandler& handler);
  // Closes the remaining connections without a call to the handler.
  ~PendingRequests();
  PendingRequests(const PendingRequests&) = delete;
  PendingRequests& operator=(const PendingRequests&) = delete;

  // Takes ownership of a new non-blocking socket and serves the bytes that it has already sent.
  // `now` is the monotonic time, here and below; it never goes back.
  void accept(const Accepted& connection, Instant now);

  // Serves the connection of a token with the pending bit. Ignores a stale token.
  void on_ready(const Ready& ready, Instant now);

  struct Deferred {
    const Request& request;
    Accepted connection;  // In the ready set under this object's token: re-tag it to take it.
  };
  // The deferred request that `token` names, or nothing if its deferral has ended.
  std::optional<Deferred> deferred(DeferralToken token);

  // Answers a deferred request as on_request() would have. Returns false if its deferral had ended.
  // Requires: reply.then is not `later`; if it is `taken`, deferred(token) has a value.
  bool answer(DeferralToken token, Reply reply, Instant now);

  // Continues connections that have used up their share of an earlier turn, and applies deadlines
  // that the last sweep had no time for. Call it once per turn while has_work().
  bool has_work() const { return !work_.empty() || more_are_due_; }
  void run(Instant now);

  // Applies the deadlines, a share of them if many are due, and tries writes again for which the
  // kernel had no memory. Call it every 100 ms or so.
  void sweep(Instant now);

  // For the drain: closes connections that wait between two requests, now and from now on. Requests
  // that have arrived, deferred ones included, are answered first.
  void close_idle(Instant now);

  std::size_t size() const { return pool_.rented(); }
  std::size_t count(PendingPhase phase) const { return pool_.count(phase); }
  const PendingCounters& counters() const { return counters_; }

 private:
  // Where a connection stands after one step.
  enum class Step : std::uint8_t {
    more,      // The head needs more bytes.
    answered,  // The answer is written; the next request may be served.
    waiting,   // It waits for the kernel to write, for bytes or FIN of the peer, or for answer().
    gone,      // The row is free.
  };

  void turn_away(int fd) {
    counters_.turned_away.add();
    Fd(fd).reset();
  }
  void resume(std::uint32_t row, Instant now);
  void serve(std::uint32_t row, Instant now);
  Step read_some(std::uint32_t row, std::string_view& bytes);
  Step feed(std::uint32_t row, std::string_view& bytes, Instant now);
  Step take_proxy_header(std::uint32_t row, std::string_view& bytes, Instant now);
  Step judge(std::uint32_t row, Instant now);
  Step defer(std::uint32_t row, Instant now);
  Step finish(std::uint32_t row, Reply reply, Instant now);
  void go_on(std::uint32_t row, Step step);
  void hold(std::uint32_t row, std::string_view bytes);
  Step refuse(std::uint32_t row, const Refusal& refusal, Instant now);
  Step flush(std::uint32_t row, Instant now);
  Step start_linger(std::uint32_t row, Instant now);
  Step linger(std::uint32_t row);
  void expire_some(Instant now);
  void expire(std::uint32_t row, Instant now);
  bool watch(std::uint32_t row);
  void evict_one(std::uint32_t newcomer);
  void queue(std::uint32_t row, std::deque<Token>& list);
  Step drop(std::uint32_t row);

  PendingLimits limits_;
  ReadySet& ready_;
  RequestHandler& handler_;
  PendingCounters counters_;
  PendingPool pool_;
  std::deque<Token> work_;
  std::deque<Token> starved_;    // Work that waits for the next sweep.
  std::uint32_t deferrals_ = 0;  // Deferrals so far: the generation of the last DeferralToken.
  bool closes_idle_ = false;
  bool more_are_due_ = false;
  std::array<char, kReadBytes> scratch_;
};

}  // namespace crier::net
