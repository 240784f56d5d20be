// Connections of the subscriber port that are in their HTTP request: from accept until they are
// answered and closed, or taken over as a stream.
//
//   accept ─► head ─► on_request ─► taken: the row is free, the descriptor the handler's
//              ▲          │
//              │          ├─ keep_alive ─► (flush) ─► idle ─► head …
//              │          '─ close ──────► (flush) ─► linger ─► closed
//              │          ├─ later ─► on_deferred ─► deferred ─► answer(): as the others
//              '- refused or too late ─► on_refused ─► as close
//
// A first read follows accept at once; most heads are whole then, and such a socket enters the
// ready set only under its stream's token. Sockets are edge-triggered, so whatever is left before
// EAGAIN (pipelined requests beyond a turn's share) is kept in a list of work for the next turn.
//
// The head's deadline runs from accept, or from the first byte of a later request, and no byte
// resets it (slow loris): 408 when bytes have come, silence when none has (browsers open sockets on
// speculation). When more than `capacity` rows are in use, the oldest goes: idle ones first, then
// lingering ones, then unfinished heads, then unread answers, then deferred requests.
//
// While a request is deferred, its head stays readable and its connection is watched: the client's
// FIN, even of its sending side alone, cancels the request. Requests that are pipelined behind it
// wait, up to kHeldBytesMax; the connection of a client that sends more is closed.
//
// An answer before close is followed by FIN and the input is read away until the peer closes too: a
// RST, which unread input would cause, can destroy the answer on its way (RFC 9112, section 9.6).
//
// Belongs to one worker; the handler must not call back into it from one of its own methods.
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
  std::size_t capacity = 1024;  // Rows held between turns.
  std::uint32_t head_ms = 10'000;
  std::uint32_t idle_ms = 30'000;
  std::uint32_t flush_ms = 10'000;  // From the first short write of an answer.
  std::uint32_t linger_ms = 1'000;
  std::size_t deferred_max = 256;     // Requests deferred at a time.
  std::uint32_t deferred_ms = 5'000;  // From the deferral to on_deferral_expired().
};

inline constexpr std::size_t kRequestsPerBurst = 8;  // Pipelined requests served in one go.
inline constexpr std::size_t kReadsPerBurst = 4;
inline constexpr std::size_t kReadBytes = 16 * 1024;
inline constexpr std::size_t kLingerBytesMax = 64 * 1024;
// Bytes kept behind a deferred request: what is left of the read that brought it always fits.
inline constexpr std::size_t kHeldBytesMax = kReadBytes;
inline constexpr std::size_t kRowsPerRun = 64;           // Rows continued in one run().
inline constexpr std::size_t kDeadlinesPerSweep = 1024;  // Rows expired in one sweep().

struct PendingCounters {
  Counter accepted;
  Counter requests;              // Complete heads, handed to the handler.
  Counter refused_malformed;     // 400
  Counter refused_too_large;     // 413, 414, 431
  Counter refused_unsupported;   // Any other status: 405, 411, 417, 501, 505.
  Counter parser_disagreements;  // Also counted as malformed. Stays 0, or somebody smuggles.
  Counter timeouts;              // 408: a head that was begun and not finished in time.
  Counter silent_timeouts;       // No byte of a head in time; also idle ones.
  // The peer left, did not read its answer in time, or sent too much behind a deferred request.
  Counter abandoned;
  Counter evicted;
  Counter starved;  // The ready set had no room.

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
  // Closes what is left; the handler is told of none of it.
  ~PendingRequests();
  PendingRequests(const PendingRequests&) = delete;
  PendingRequests& operator=(const PendingRequests&) = delete;

  // Takes over a fresh non-blocking socket and serves what it has sent. `now` never goes back, here
  // and below.
  void accept(const Accepted& connection, Instant now);

  // A token with the pending bit was reported. Stale ones are ignored.
  void on_ready(const Ready& ready, Instant now);

  struct Deferred {
    const Request& request;
    Accepted connection;  // In the ready set under this object's token: re-tag it to take it.
  };
  // The deferred request that `token` names, or nothing if its deferral has ended.
  std::optional<Deferred> deferred(DeferralToken token);

  // Answers a deferred request as on_request() would have, and says whether it was still there.
  // Requires: reply.then is not `later`; if it is `taken`, deferred(token) has a value.
  bool answer(DeferralToken token, Reply reply, Instant now);

  // Continues connections that had more to do than their share; call it once per turn while
  // has_work().
  // Writes that the kernel had no memory for are tried again after the next sweep.
  bool has_work() const { return !work_.empty(); }
  void run(Instant now);

  // Applies the deadlines; a tick of 100 ms is fine enough.
  void sweep(Instant now);

  // For the drain: connections that wait between two requests are closed, now and from now on. A
  // request that is there already, deferred or not, is answered first.
  void close_idle(Instant now);

  std::size_t size() const { return pool_.rented(); }
  std::size_t count(PendingPhase phase) const { return pool_.count(phase); }
  const PendingCounters& counters() const { return counters_; }

 private:
  // Where a connection stands after one step.
  enum class Step : std::uint8_t {
    more,      // The head needs more bytes.
    answered,  // On to the next request.
    waiting,   // For the kernel to write the rest, for the peer's FIN, or for a later answer.
    gone,      // The row is free.
  };

  void resume(std::uint32_t row, Instant now);
  void serve(std::uint32_t row, Instant now);
  Step read_some(std::uint32_t row, std::string_view& bytes);
  Step feed(std::uint32_t row, std::string_view& bytes, Instant now);
  Step judge(std::uint32_t row, Instant now);
  Step defer(std::uint32_t row, Instant now);
  Step finish(std::uint32_t row, Reply reply, Instant now);
  void go_on(std::uint32_t row, Step step);
  void hold(std::uint32_t row, std::string_view bytes);
  Step refuse(std::uint32_t row, const Refusal& refusal, Instant now);
  Step flush(std::uint32_t row, Instant now);
  Step start_linger(std::uint32_t row, Instant now);
  Step linger(std::uint32_t row);
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
  std::deque<Token> starved_;    // Work that is put off until the next sweep.
  std::uint32_t deferrals_ = 0;  // Counts them: the generation of the last DeferralToken.
  bool closes_idle_ = false;
  std::array<char, kReadBytes> scratch_;
};

}  // namespace crier::net
