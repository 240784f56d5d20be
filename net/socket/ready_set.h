// Tells which sockets of a worker, or of an HttpServer, are ready: an edge-triggered epoll set,
// whose descriptor the loop watches.
//
// A socket is registered once for its life, for everything (readable, writable, peer closed), so
// nothing needs changing when its interests do. In return an edge is reported once: a caller that
// stops before EAGAIN must remember the socket. Registering and re-tagging report what is ready at
// that moment, so nothing that came before is lost.
//
// A token carries a generation, so that readiness gathered before a socket's owner changed is
// recognised as stale. Belongs to the thread of that loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/result.h"
#include "net/socket/fd.h"

namespace crier::net {

// Says whose socket is ready: a row in the pending requests, in the streams or in an HttpServer's
// table, and the generation of that row.
struct Token {
  std::uint32_t generation = 0;
  std::uint32_t index = 0;  // Bit 31 set: a pending request. Clear: a stream.
  friend bool operator==(Token, Token) = default;
};

inline constexpr std::uint32_t kPendingBit = std::uint32_t{1} << 31;

// Requires: row < 2^31.
Token stream_token(std::uint32_t row, std::uint32_t generation);
Token pending_token(std::uint32_t row, std::uint32_t generation);
constexpr bool is_pending(Token token) {
  return (token.index & kPendingBit) != 0;
}
constexpr std::uint32_t row_of(Token token) {
  return token.index & ~kPendingBit;
}

struct Ready {
  Token token;
  bool readable = false;
  bool writable = false;
  bool peer_closed = false;  // The peer sent FIN; unread input may come before it.
  bool error = false;        // The connection is lost.
};

// A new socket is always writable, so watching its output would cost a turn of the loop for each
// stream that opens. Output is watched once a write was cut short. retag() then reports what is
// ready by that time, so no edge is lost.
enum class Watch : std::uint8_t { input, input_and_output };

class ReadySet {
 public:
  static Result<ReadySet> create();

  // Readable while a socket is ready; level-triggered, so a batch that was not taken whole shows
  // again.
  int fd() const { return epoll_.get(); }

  // Fails with Errc::limit_reached when the kernel has no room: close the socket then.
  // Requires: `fd` is an open socket that is not in the set.
  Result<void> add(int fd, Token token, Watch watch = Watch::input_and_output);

  // From now on `fd` reports `token`, for what `watch` says. Requires: `fd` is in the set.
  void retag(int fd, Token token, Watch watch = Watch::input_and_output);

  // Only needed for a socket that stays open: closing its last descriptor removes it.
  // Requires: `fd` is in the set.
  void remove(int fd);

  // Fills `out` from the front with what is ready, at most kReadyBatchMax, and says how many. Does
  // not block. Requires: out is not empty.
  std::size_t wait(std::span<Ready> out);

 private:
  explicit ReadySet(Fd epoll) : epoll_(std::move(epoll)) {}

  Fd epoll_;
};

// Fails as ReadySet::add() does if the kernel has no room now to watch `count` more descriptors.
// Succeeds if there are too few descriptors to try.
Result<void> probe_watches(std::size_t count);

}  // namespace crier::net
