#include "net/loop/timer.h"

#include <utility>

#include "core/check.h"

namespace crier::net {

Timer::Timer(Loop& loop, std::function<void()> on_time) : on_time_(std::move(on_time)) {
  CRIER_CHECK(on_time_ != nullptr);
  CRIER_CHECK(timer_.open(this, [&](uv_timer_t* t) { return uv_timer_init(loop.raw(), t); }) == 0);
}

void Timer::start_once(std::uint64_t delay_ms) {
  start(delay_ms, 0);
}

void Timer::start_repeating(std::uint64_t interval_ms) {
  CRIER_CHECK(interval_ms > 0);
  start(interval_ms, interval_ms);
}

void Timer::start(std::uint64_t delay_ms, std::uint64_t repeat_ms) {
  // libuv counts from the start of the turn; without an update the timer would fire early in a long
  // turn.
  uv_update_time(timer_.get()->loop);
  const auto on_time = [](uv_timer_t* handle) {
    Loop& loop = Loop::of(handle->loop);
    loop.note_event();
    Timer* const timer = static_cast<Timer*>(handle->data);
    if (uv_timer_get_repeat(handle) != 0) timer->note_lateness(loop);
    // A copy keeps the callback alive when it destroys its own timer.
    const auto callback = timer->on_time_;
    callback();
  };
  due_ = Instant{Loop::now().us + repeat_ms * 1'000};
  CRIER_CHECK(uv_timer_start(timer_.get(), on_time, delay_ms, repeat_ms) == 0);
}

// libuv counts the next call from this one.
void Timer::note_lateness(Loop& loop) {
  const Instant now = Loop::now();
  loop.note_lateness(now > due_ ? now.us - due_.us : 0);
  due_ = Instant{now.us + uv_timer_get_repeat(timer_.get()) * 1'000};
}

void Timer::stop() {
  uv_timer_stop(timer_.get());
}

bool Timer::running() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(timer_.get())) != 0;
}

}  // namespace crier::net
