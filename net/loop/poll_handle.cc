#include "net/loop/poll_handle.h"

#include <string>
#include <utility>

#include "core/check.h"

namespace crier::net {

PollHandle::PollHandle(Loop& loop, std::function<void()> on_readable)
    : loop_(loop), on_readable_(std::move(on_readable)) {
  CRIER_CHECK(on_readable_ != nullptr);
}

Result<void> PollHandle::watch(int fd) {
  CRIER_CHECK(fd >= 0);
  const int status =
      poll_.open(this, [&](uv_poll_t* poll) { return uv_poll_init(loop_.raw(), poll, fd); });
  if (status < 0) {
    return fail(Errc::os,
                "cannot watch descriptor " + std::to_string(fd) + ": " + uv_strerror(status));
  }
  resume();
  return {};
}

void PollHandle::pause() {
  uv_poll_stop(poll_.get());
}

void PollHandle::resume() {
  const auto on_poll = [](uv_poll_t* handle, int, int) {
    static_cast<PollHandle*>(handle->data)->on_readable_();
  };
  CRIER_CHECK(uv_poll_start(poll_.get(), UV_READABLE, on_poll) == 0);
}

}  // namespace crier::net
