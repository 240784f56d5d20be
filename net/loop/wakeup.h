// "Look at your inbox", from any thread to the thread of one loop.
//
// Sends coalesce: however many arrive before the loop gets to it, the callback runs at least once
// after the last of them, and sees everything the senders wrote before they sent. It may also run
// once with nothing new. A send costs a system call only if none is pending.
//
// Constructed before the senders start, destroyed when none can send any more (they were joined, or
// the sender is the thread that destroys it). The callback runs on the loop's thread.
#pragma once

#include <uv.h>

#include <functional>

#include "net/loop/handle.h"
#include "net/loop/loop.h"

namespace crier::net {

class Wakeup {
 public:
  // Throws std::system_error when the kernel has no descriptor for it.
  Wakeup(Loop& loop, std::function<void()> on_wakeup);

  // Any thread.
  void send();

 private:
  std::function<void()> on_wakeup_;
  Handle<uv_async_t> async_;
};

}  // namespace crier::net
