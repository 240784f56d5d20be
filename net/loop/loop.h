// One thread's event loop: a uv_loop_t, its clock and the call at the end of each turn.
//
//   Loop loop;
//   loop.set_end_of_turn([&] { finish_turn(); });
//   loop.run();                                 // until stop()
//
// A turn is one round of the loop: the events that are ready, then the end-of-turn call, then the
// sleep until the next event.
//
// Objects that watch something (Timer, Wakeup, Signals, PollHandle, HttpServer) are constructed on
// a Loop and must be destroyed before it. Their destructors only begin to close; the Loop's
// destructor completes the closing and aborts if an object was not destroyed.
//
// Belongs to the thread that runs it. It may be constructed before that thread starts and destroyed
// after that thread was joined. With a descriptor table per thread, an object that owns a
// descriptor must be destroyed on the thread that opened it; that thread then calls settle() before
// it ends.
#pragma once

#include <uv.h>

#include <array>
#include <cstdint>
#include <functional>

#include "core/counter.h"
#include "core/instant.h"
#include "net/loop/handle.h"

namespace crier::net {

// Microseconds.
inline constexpr std::array<std::uint64_t, 12> kTurnBounds = {
    10, 50, 100, 250, 1'000, 2'500, 5'000, 10'000, 50'000, 250'000, 1'000'000, 10'000'000};
inline constexpr std::array<std::uint64_t, 8> kLatenessBounds = {
    1'000, 2'500, 5'000, 10'000, 25'000, 100'000, 1'000'000, 10'000'000};

// The loop's thread counts; any thread may read.
struct LoopStats {
  // How long each turn was, from its first event until the loop slept or polled again.
  Histogram<kTurnBounds.size()> turns{kTurnBounds};
  // How late each call of a repeating timer was: the loop was busy, or had no processor.
  Histogram<kLatenessBounds.size()> lateness{kLatenessBounds};
};

class Loop {
 public:
  // Throws std::system_error if the kernel has no descriptor for the loop.
  Loop();
  // Requires: every other handle of this loop has been closed.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs turns until stop(), or until nothing is watched.
  void run();
  // Makes run() return at the end of this turn. Outside of run() it makes the next run() or
  // settle() return at once. Only for the loop's own thread: other threads send a Wakeup.
  void stop() { uv_stop(&loop_); }
  // Runs one turn without waiting: the events that are ready, and the second step of closing.
  void settle();

  // Sets the call that is made once a turn, after the turn's sockets, wake-ups, signals and timers
  // and before the loop sleeps, and once after the last turn of run(). Call it before run().
  //
  // It is a uv_prepare and not a uv_check: libuv runs timers after the check phase, so that work
  // which a timer marks would wait for the next socket event.
  void set_end_of_turn(std::function<void()> end_of_turn);

  // true: the loop polls without sleeping, because work is left, until this is set to false.
  void keep_awake(bool awake);

  // The monotonic clock, read now, as core/instant.h counts. libuv's own time does not change
  // during a turn.
  static Instant now() { return Instant{now_ns() / 1000}; }
  static std::uint64_t now_ns() { return uv_hrtime() + kMicrosBeforeBoot * 1'000; }

  uv_loop_t* raw() { return &loop_; }

  // The loop of a handle, for the handles of this room. Each of their callbacks first calls
  // note_event(): a turn begins with the first of them.
  static Loop& of(uv_loop_t* raw) { return *static_cast<Loop*>(raw->data); }
  void note_event() {
    if (turn_began_ns_ == 0) turn_began_ns_ = uv_hrtime();
  }
  void note_lateness(std::uint64_t us) { stats_.lateness.observe(us); }
  const LoopStats& stats() const { return stats_; }

 private:
  void end_turn();

  uv_loop_t loop_{};
  Handle<uv_prepare_t> turn_;
  Handle<uv_idle_t> awake_;
  std::function<void()> end_of_turn_;
  std::uint64_t turn_began_ns_ = 0;  // 0: the turn has had no event yet.
  LoopStats stats_;
};

}  // namespace crier::net
