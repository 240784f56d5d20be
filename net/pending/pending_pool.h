// The rows of PendingRequests, pooled and listed in the order of their deadlines.
//
// A row is one connection in its HTTP request, in exactly one phase. All rows of a phase have the
// same time to live, so each phase is a list in the order of deadlines; its front is the oldest row
// and the next to expire.
//
// The pool reserves address space for every row at once; the kernel gives memory as rows are first
// rented. The row given back last is rented next, because it is most likely in the cache. The
// readers of heads are pooled as well: a row rents one while a head arrives.
//
// Belongs to one worker.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/instant.h"
#include "core/proxies.h"
#include "net/http/head_reader.h"
#include "net/pending/request_handler.h"
#include "net/socket/fd.h"

namespace crier::net {

enum class PendingPhase : std::uint8_t {
  head,      // The head is incomplete; no byte of a connection's first head need have arrived.
  idle,      // The connection is kept alive between two requests.
  deferred,  // The handler answers the request later.
  flush,     // The kernel has not taken all of the answer yet.
  linger,    // The answer is written and crier has sent FIN; the row waits for the peer's FIN.
};

inline constexpr std::size_t kPendingPhases = 5;

struct PendingRequest {
  Fd socket;
  std::uint32_t generation = 0;
  PendingPhase phase = PendingPhase::head;
  bool registered = false;      // The socket is in the ready set.
  bool output_watched = false;  // The ready set reports writable edges.
  bool queued = false;  // The row is in a list of work: the next turn's or the next sweep's.
  bool close_after_flush = false;
  std::uint32_t lingered_bytes = 0;
  Instant deadline;
  PeerAddress peer;
  bool canary = false;        // See Accepted.
  bool behind_proxy = false;  // See Accepted.
  bool unnamed = false;       // See Accepted.
  // Whether a PROXY protocol header comes next; off once it has come.
  ProxyProtocol proxy_protocol = ProxyProtocol::off;
  std::uint32_t deferral = 0;        // The generation in its DeferralToken, while deferred.
  std::optional<HeadReader> reader;  // Rented while it holds bytes of a head.
  std::string input;                 // Bytes that were read and not parsed yet.
  std::string output;                // The answer being written.
  std::size_t output_sent = 0;

  Accepted connection() const { return {socket.get(), peer, canary, behind_proxy, unnamed}; }
  // Bytes have come that belong to a head, or to what comes before it.
  bool begun() const { return reader.has_value() || !input.empty(); }

 private:
  friend class PendingPool;
  std::uint32_t previous = 0;
  std::uint32_t next = 0;
  bool rented = false;
};

class PendingPool {
 public:
  // Requires: 0 < capacity < 2^31.
  PendingPool(std::size_t capacity, const HeadLimits& head);

  std::size_t capacity() const { return capacity_; }
  std::size_t rented() const { return rented_; }
  std::size_t count(PendingPhase phase) const { return list(phase).count; }

  // Rents a row in phase `head`, with a generation and no other content. Returns nothing if all
  // rows are rented.
  std::optional<std::uint32_t> rent(Instant deadline);

  // Closes the row's socket, frees its buffers and makes every token of it stale. Requires: `row`
  // is rented.
  void give_back(std::uint32_t row);

  std::size_t readers() const { return readers_; }  // That rows hold.
  // Requires: `row` is rented and holds no reader.
  void rent_reader(std::uint32_t row);
  // The views of the reader's request become invalid. Does nothing if the row has no reader.
  void give_back_reader(std::uint32_t row);

  // Moves the row to the end of the phase's list. Requires: no row of that phase has a later
  // deadline.
  void enter(std::uint32_t row, PendingPhase phase, Instant deadline);

  // The row of this phase with the earliest deadline, `except` left out.
  std::optional<std::uint32_t> oldest(PendingPhase phase,
                                      std::optional<std::uint32_t> except = {}) const;

  // Whether `row` is rented and has this generation.
  bool holds(std::uint32_t row, std::uint32_t generation) const;

  // Whether the request that the token names is still deferred.
  bool defers(DeferralToken token) const;

  // Requires: `row` is rented.
  PendingRequest& operator[](std::uint32_t row);

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  struct List {
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
    std::size_t count = 0;
  };

  List& list(PendingPhase phase) { return lists_[static_cast<std::size_t>(phase)]; }
  const List& list(PendingPhase phase) const { return lists_[static_cast<std::size_t>(phase)]; }
  void append(std::uint32_t row);
  void unlink(std::uint32_t row);

  std::size_t capacity_;
  HeadLimits head_limits_;
  std::size_t rented_ = 0;
  std::vector<PendingRequest> rows_;  // Never grows beyond its reserve: references stay valid.
  std::vector<std::uint32_t> free_;
  std::vector<HeadReader> spare_readers_;
  std::size_t readers_ = 0;
  std::array<List, kPendingPhases> lists_;
};

}  // namespace crier::net
