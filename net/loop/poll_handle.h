// Calls its owner when a descriptor can be read: a worker's ready set, a listening socket.
//
// It is level-triggered: it calls once a turn as long as the descriptor can be read. It also calls
// when the descriptor is in error; reading then returns the error.
//
// The owner keeps the descriptor. It must first close() or destroy the PollHandle and then close
// the descriptor, without waiting in between: libuv takes the descriptor out of its epoll set at
// once. In the other order the number may be reused while libuv still watches it.
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

  // Begins to watch `fd` and makes it non-blocking. Fails with Errc::os if the kernel refuses to
  // watch it (a regular file, no memory, fs.epoll.max_user_watches). Requires: not watching; no
  // other PollHandle watches `fd`.
  [[nodiscard]] Result<void> watch(int fd);

  // Between pause() and resume() on_readable is not called. Neither can fail, because the kernel
  // keeps the watch. Requires: watching, and the loop has slept since watch().
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
