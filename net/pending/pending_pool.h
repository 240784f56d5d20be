// The pooled objects behind PendingRequests, and the order in which their deadlines come.
//
// A row is one connection in its HTTP request, in exactly one phase. All rows of a phase have the
// same time to live, so each phase is a list in order of deadlines, and "which is the next to
// expire" and "which is the oldest" are its front.
//
// Address space for every row is reserved at once, memory is touched as rows are first rented; the
// row given back last is rented next, since it is the warmest. Readers of heads are pooled as well.
// Belongs to one worker.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/instant.h"
#include "net/http/head_reader.h"
#include "net/pending/request_handler.h"
#include "net/socket/fd.h"

namespace crier::net {

enum class PendingPhase : std::uint8_t {
  head,      // Its head is not complete; of the first one perhaps no byte is here yet.
  idle,      // Kept alive between two requests.
  deferred,  // The handler answers the request later.
  flush,     // Part of an answer could not be written yet.
  linger,    // All written and our side shut down; waits for the peer's FIN.
};

inline constexpr std::size_t kPendingPhases = 5;

struct PendingRequest {
  Fd socket;
  std::uint32_t generation = 0;
  PendingPhase phase = PendingPhase::head;
  bool registered = false;      // In the ready set.
  bool output_watched = false;  // Its writable edges are asked for.
  bool queued = false;          // Has work left, for the next turn or after the next sweep.
  bool close_after_flush = false;
  std::uint32_t lingered_bytes = 0;
  Instant deadline;
  PeerAddress peer;
  bool canary = false;               // See Accepted.
  std::uint32_t deferral = 0;        // The generation in its DeferralToken, while deferred.
  std::optional<HeadReader> reader;  // Held while bytes of a head are in it.
  std::string input;                 // Read, but not parsed yet.
  std::string output;                // Of the answer being written.
  std::size_t output_sent = 0;

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

  // A row in phase `head`, empty but for its generation; nothing when all are rented.
  std::optional<std::uint32_t> rent(Instant deadline);

  // Closes what the row still holds and makes every token of it stale. Requires: `row` is rented.
  void give_back(std::uint32_t row);

  // Requires: `row` is rented and holds no reader.
  void rent_reader(std::uint32_t row);
  // Ends the life of the views that the row's reader handed out; does nothing without a reader.
  void give_back_reader(std::uint32_t row);

  // Puts the row at the end of the phase's list. Requires: no row of that phase has a later
  // deadline.
  void enter(std::uint32_t row, PendingPhase phase, Instant deadline);

  // The row whose deadline in this phase is next, but for `except`.
  std::optional<std::uint32_t> oldest(PendingPhase phase,
                                      std::optional<std::uint32_t> except = {}) const;

  // Is this the row that the generation was handed out for?
  bool holds(std::uint32_t row, std::uint32_t generation) const;

  // Is the request that the token was made for still deferred?
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
  std::vector<PendingRequest> rows_;  // Never grows beyond what was reserved: references stay good.
  std::vector<std::uint32_t> free_;
  std::vector<HeadReader> spare_readers_;
  std::array<List, kPendingPhases> lists_;
};

}  // namespace crier::net
