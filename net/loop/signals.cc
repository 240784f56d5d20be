#include "net/loop/signals.h"

#include <csignal>
#include <utility>

#include "core/check.h"
#include "net/socket/os_error.h"

namespace crier::net {

Signals::Signals(Loop& loop, std::span<const int> numbers, std::function<void(int)> on_signal)
    : on_signal_(std::move(on_signal)) {
  CRIER_CHECK(on_signal_ != nullptr);
  const auto call = [](uv_signal_t* handle, int number) {
    Loop::of(handle->loop).note_event();
    static_cast<Signals*>(handle->data)->on_signal_(number);
  };
  for (const int number : numbers) {
    Handle<uv_signal_t>& handle = handles_.emplace_back();
    const int made =
        handle.open(this, [&](uv_signal_t* s) { return uv_signal_init(loop.raw(), s); });
    throw_unless_done(made, "cannot watch signals");
    throw_unless_done(uv_signal_start(handle.get(), call, number), "cannot watch a signal");
  }
}

void hold_signals(std::span<const int> numbers) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : numbers) sigaddset(&set, number);
  CRIER_CHECK(::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
}

void ignore_broken_pipes() {
  CRIER_CHECK(std::signal(SIGPIPE, SIG_IGN) != SIG_ERR);
}

}  // namespace crier::net
