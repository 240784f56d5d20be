// One thread's event loop: a uv_loop_t, its clock and the place where a turn ends.
//
//   Loop loop;
//   loop.set_end_of_turn([&] { finish_turn(); });
//   loop.run();                                 // until stop()
//
// Everything that watches something (Timer, Wakeup, Signals, PollHandle, HttpServer) is constructed
// on a Loop and must be destroyed before it; their destructors only begin to close, the Loop's
// destructor runs what is left of it and checks that nothing was forgotten.
//
// Belongs to the thread that runs it. It may be constructed before that thread starts and destroyed
// after it was joined. With a descriptor table per thread, whatever owns a descriptor must be
// destroyed on the thread that opened it; that thread then calls settle() before it ends.
#pragma once

#include <uv.h>

#include <functional>

#include "core/instant.h"
#include "net/loop/handle.h"

namespace crier::net {

class Loop {
 public:
  // Throws std::system_error when the kernel has no descriptor for the loop.
  Loop();
  // Requires: every other handle of this loop has been closed.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Turns until stop(), or until nothing is watched any more.
  void run();
  // Lets run() return at the end of this turn; called outside of run(), the next run() or settle()
  // returns at once. On the loop's own thread only: elsewhere send a Wakeup.
  void stop() { uv_stop(&loop_); }
  // One turn that does not wait: what is ready now, and the second half of closing.
  void settle();

  // `end_of_turn` is called once a turn, after everything that turn brought (sockets, wake-ups,
  // signals, timers) and before the loop sleeps; also after the last turn of run(). Set it before
  // run().
  //
  // It is a uv_prepare, not a uv_check: libuv runs timers after the check phase, so what a timer
  // marks would wait for the next socket event.
  void set_end_of_turn(std::function<void()> end_of_turn);

  // true: the next sleep does not wait, because work is left over; until set to false again.
  void keep_awake(bool awake);

  // The monotonic clock, read now; libuv's own time stands still during a turn.
  static Instant now() { return Instant{uv_hrtime() / 1000}; }

  uv_loop_t* raw() { return &loop_; }

 private:
  uv_loop_t loop_{};
  Handle<uv_prepare_t> turn_;
  Handle<uv_idle_t> awake_;
  std::function<void()> end_of_turn_;
};

}  // namespace crier::net
