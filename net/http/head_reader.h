// Collects one request head from pieces of any size and turns it into a Request or a Refusal.
//
// Two parsers must agree on every head: crier's own byte-level gate, which refuses all that two
// parsers could read differently, and llhttp in strict mode. The reader checks limits while bytes
// arrive. After a refused head the caller must answer and close the connection, because nothing
// says where the next request begins.
//
// A reader holds at most limits.head_bytes_max bytes and a fixed part. It allocates the buffer as
// bytes arrive; reset() keeps a small buffer for the next request and frees a large one. Belongs to
// one thread.
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

  // Takes bytes up to and including the end of the head, or up to the refused byte, and sets `used`
  // to their number. After `complete` or `refused` it takes nothing until reset(). The outcome and
  // the sum of `used` do not depend on how the bytes are cut into calls.
  HeadProgress consume(std::string_view bytes, std::size_t& used);

  // Whether a byte of this head has arrived.
  bool started() const;

  // Requires: consume() returned complete.
  const Request& request() const;
  // Requires: consume() returned refused.
  const Refusal& refusal() const;
  // Whether the head was refused because the two parsers read it differently. The caller counts
  // this: it means an attack or a bug in a parser.
  bool parsers_disagreed() const;

  // Prepares for the next request. The views in request() become invalid.
  void reset();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crier::net
