#include "net/loop/wakeup.h"

#include <utility>

#include "core/check.h"
#include "net/socket/os_error.h"

namespace crier::net {

Wakeup::Wakeup(Loop& loop, std::function<void()> on_wakeup) : on_wakeup_(std::move(on_wakeup)) {
  CRIER_CHECK(on_wakeup_ != nullptr);
  const int status = async_.open(this, [&](uv_async_t* async) {
    return uv_async_init(loop.raw(), async, [](uv_async_t* handle) {
      Loop::of(handle->loop).note_event();
      static_cast<Wakeup*>(handle->data)->on_wakeup_();
    });
  });
  throw_unless_done(status, "cannot make a wake-up");
}

void Wakeup::send() {
  CRIER_CHECK(uv_async_send(async_.get()) == 0);
}

}  // namespace crier::net
