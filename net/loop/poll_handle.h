// Tells when a descriptor we own has something to read: the ready set of a worker, a listening
// socket.
//
// Level-triggered: it calls once a turn as long as something is there. It also calls when the
// descriptor is in error; reading from it then says why.
//
// The descriptor stays the owner's. Closing order: close() here (or destroy this) first, then the
// descriptor; libuv leaves its own epoll set at once, so nothing has to be waited for in between.
// The other way round the number may be reused while libuv still watches it.
//
// Belongs to its loop's thread.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>

#include "core/result.h"
#include "net/loop/handle.h"
#include "net/loop/loop.h"

namespace crier::net {

class PollHandle {
 public:
  PollHandle(Loop& loop, std::function<void()> on_readable);

  // Begins to watch `fd`, which becomes non-blocking. Fails with Errc::os when the kernel refuses
  // (a regular file, no memory, fs.epoll.max_user_watches). Requires: not watching; one PollHandle
  // per descriptor.
  [[nodiscard]] Result<void> watch(int fd);

  // on_readable is not called between pause() and resume(). Neither can fail: the kernel keeps the
  // watch meanwhile. Requires: watching, and the loop has slept since watch().
  void pause() { expect(0); }
  void resume();

  bool watching() const { return poll_.is_open(); }
  // Idempotent; watch() may follow.
  void close() { poll_.close(); }

 private:
  void expect(std::uint32_t events);

  Loop& loop_;
  std::function<void()> on_readable_;
  Handle<uv_poll_t> poll_;
  int fd_ = -1;
};

}  // namespace crier::net
