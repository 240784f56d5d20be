// Unix signals as calls on one loop, outside of signal handlers.
//
// Signals of the same number that arrive together may be told as one. Several Signals may watch the
// same number. When the last one that does is gone, the number has its default effect again.
// Belongs to its loop's thread.
#pragma once

#include <uv.h>

#include <deque>
#include <functional>
#include <span>

#include "net/loop/handle.h"
#include "net/loop/loop.h"

namespace crier::net {

class Signals {
 public:
  // Watches `numbers` (SIGTERM, SIGHUP, …). Requires: all can be caught, none twice. Throws
  // std::system_error when the kernel has no descriptors for a pipe.
  Signals(Loop& loop, std::span<const int> numbers, std::function<void(int number)> on_signal);

 private:
  std::function<void(int)> on_signal_;
  std::deque<Handle<uv_signal_t>> handles_;
};

// Whoever comes from now on waits until the process ends. For the last moments, when nobody watches
// any more. Of the calling thread: the others have ended.
void hold_signals(std::span<const int> numbers);

// Writing to a connection that is gone becomes EPIPE instead of the end of the process. Call once,
// first.
void ignore_broken_pipes();

}  // namespace crier::net
