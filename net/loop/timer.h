// Calls its owner after a time, once or repeatedly. For the few timers of a loop (a sweep, a drain
// step); streams and requests have deadlines in tables instead.
//
// Times are in whole milliseconds. A call may come up to a millisecond early; it comes late
// while the loop is busy. A repeating timer skips the calls that it missed. Belongs to its
// loop's thread; may be stopped or destroyed inside its callback.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>

#include "net/loop/handle.h"
#include "net/loop/loop.h"

namespace crier::net {

class Timer {
 public:
  Timer(Loop& loop, std::function<void()> on_time);

  // Each replaces an earlier start.
  void start_once(std::uint64_t delay_ms);
  // Requires: interval_ms > 0.
  void start_repeating(std::uint64_t interval_ms);
  void stop();
  bool running() const;

 private:
  void start(std::uint64_t delay_ms, std::uint64_t repeat_ms);
  void note_lateness(Loop& loop);

  std::function<void()> on_time_;
  Handle<uv_timer_t> timer_;
  Instant due_;  // Of a repeating timer.
};

}  // namespace crier::net
