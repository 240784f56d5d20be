// Collects one request head, byte by byte if need be, and turns it into a Request or a Refusal.
//
// Two readers in a row must agree: a byte-level gate of our own, which refuses whatever two parsers
// could read differently, and llhttp in strict mode. Limits are checked while bytes arrive, not at
// the end. A refused head always means: answer, then close the connection.
//
// Holds at most limits.head_bytes_max bytes plus a fixed part, allocated as bytes arrive; reset()
// keeps a small buffer for the next request and gives a grown one back. Belongs to one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "net/http/head_limits.h"
#include "net/http/request.h"

namespace crier::net {

class HeadReader {
 public:
  explicit HeadReader(const HeadLimits& limits);
  ~HeadReader();
  HeadReader(HeadReader&&) noexcept;
  HeadReader& operator=(HeadReader&&) noexcept;

  // Takes bytes up to and including the end of the head, never beyond; `used` says how many (of a
  // refused head: as far as it was good). After `complete` or `refused` nothing more is taken until
  // reset(). How the bytes are cut into calls makes no difference, neither to the outcome nor to
  // the sum of `used`.
  HeadProgress consume(std::string_view bytes, std::size_t& used);

  // Has any byte of this head arrived?
  bool started() const;

  // Requires: consume() returned complete.
  const Request& request() const;
  // Requires: consume() returned refused.
  const Refusal& refusal() const;
  // Did the two parsers disagree? To be counted: it is an alarm.
  bool parsers_disagreed() const;

  // Ready for the next request. Ends the life of views handed out.
  void reset();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crier::net
