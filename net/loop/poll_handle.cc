#include "net/loop/poll_handle.h"

#include <sys/epoll.h>

#include <cerrno>
#include <string>
#include <utility>

#include "core/check.h"
#include "net/socket/os_error.h"

namespace crier::net {
namespace {

// libuv identifies the entries of its epoll set by `data.fd`.
epoll_event event_for(int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = fd;
  return event;
}

}  // namespace

PollHandle::PollHandle(Loop& loop, std::function<void()> on_readable)
    : loop_(loop), on_readable_(std::move(on_readable)) {
  CRIER_CHECK(on_readable_ != nullptr);
}

// libuv changes its epoll set when the loop next sleeps, and ends the process if the kernel has no
// room then. This function therefore adds the descriptor to the set. libuv later finds it there
// (EEXIST) and modifies its entry, which needs no memory.
Result<void> PollHandle::watch(int fd) {
  CRIER_CHECK(fd >= 0);
  const auto failed = [fd](int error) {
    return os_failure("cannot watch descriptor " + std::to_string(fd), error);
  };
  const int status =
      poll_.open(this, [&](uv_poll_t* poll) { return uv_poll_init(loop_.raw(), poll, fd); });
  if (status < 0) return failed(-status);
  const auto on_poll = [](uv_poll_t* handle, int, int) {
    Loop::of(handle->loop).note_event();
    static_cast<PollHandle*>(handle->data)->on_readable_();
  };
  CRIER_CHECK(uv_poll_start(poll_.get(), UV_READABLE, on_poll) == 0);
  fd_ = fd;
  epoll_event event = event_for(fd, EPOLLIN);
  if (::epoll_ctl(uv_backend_fd(loop_.raw()), EPOLL_CTL_ADD, fd, &event) == 0) return {};
  const int error = errno;
  poll_.close();
  return failed(error);
}

void PollHandle::resume() {
  expect(EPOLLIN);
}

// Modifies the entry in the epoll set. uv_poll_stop() would remove it, and adding it again may
// fail.
void PollHandle::expect(std::uint32_t events) {
  CRIER_CHECK(watching());
  epoll_event event = event_for(fd_, events);
  CRIER_CHECK(::epoll_ctl(uv_backend_fd(loop_.raw()), EPOLL_CTL_MOD, fd_, &event) == 0);
}

}  // namespace crier::net
