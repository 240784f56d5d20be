// Wakes one loop from any thread, so that it looks at its inbox.
//
// Sends coalesce: the callback runs at least once after the last send, and sees everything that the
// senders wrote before they sent. It may also run without anything new. A send makes a system call
// only if no earlier send is pending.
//
// Construct it before the senders start. Destroy it when no thread but the destroying one can send.
// The callback runs on the loop's thread.
#pragma once

#include <uv.h>

#include <functional>

#include "net/loop/handle.h"
#include "net/loop/loop.h"

namespace crier::net {

class Wakeup {
 public:
  // Throws std::system_error if the kernel has no descriptor for it.
  Wakeup(Loop& loop, std::function<void()> on_wakeup);

  // Any thread.
  void send();

 private:
  std::function<void()> on_wakeup_;
  Handle<uv_async_t> async_;
};

}  // namespace crier::net
