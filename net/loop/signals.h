// Unix signals as calls on one loop, outside of signal handlers.
//
// Signals of the same number that arrive together may cause one call. Several Signals objects may
// watch the same number; when the last of them is destroyed, the signal has its default effect
// again. Belongs to its loop's thread.
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
  // Watches `numbers` (SIGTERM, SIGHUP, …). Requires: each can be caught and is named once. Throws
  // std::system_error if the kernel has no descriptors for a pipe.
  Signals(Loop& loop, std::span<const int> numbers, std::function<void(int number)> on_signal);

 private:
  std::function<void(int)> on_signal_;
  std::deque<Handle<uv_signal_t>> handles_;
};

// Blocks these signals in the calling thread until the process exits. The daemon calls it when it
// has stopped watching them and its other threads have ended, so that a late signal cannot change
// the exit status.
void hold_signals(std::span<const int> numbers);

// Ignores SIGPIPE: a write to a closed connection then fails with EPIPE instead of ending the
// process. Call it once, before any connection is opened.
void ignore_broken_pipes();

}  // namespace crier::net
