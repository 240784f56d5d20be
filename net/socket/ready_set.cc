#include "net/socket/ready_set.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include "core/check.h"
#include "core/turn_limits.h"
#include "net/socket/os_error.h"

namespace crier::net {
namespace {

constexpr std::uint32_t kInput = EPOLLIN | EPOLLRDHUP | EPOLLET;

std::uint64_t pack(Token token) {
  return std::uint64_t{token.generation} << 32 | token.index;
}

Token unpack(std::uint64_t data) {
  return {static_cast<std::uint32_t>(data >> 32), static_cast<std::uint32_t>(data)};
}

epoll_event event_for(Token token, Watch watch) {
  epoll_event event{};
  event.events = watch == Watch::input_and_output ? kInput | EPOLLOUT : kInput;
  event.data.u64 = pack(token);
  return event;
}

}  // namespace

Token stream_token(std::uint32_t row, std::uint32_t generation) {
  CRIER_CHECK(row < kPendingBit);
  return {generation, row};
}

Token pending_token(std::uint32_t row, std::uint32_t generation) {
  CRIER_CHECK(row < kPendingBit);
  return {generation, row | kPendingBit};
}

Result<ReadySet> ReadySet::create() {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return os_failure("cannot make an epoll set");
  return ReadySet(std::move(epoll));
}

Result<void> ReadySet::add(int fd, Token token, Watch watch) {
  epoll_event event = event_for(token, watch);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
  const int error = errno;
  if (error == ENOSPC) {
    return fail(Errc::limit_reached,
                "epoll has no room for another socket; raise the sysctl fs.epoll.max_user_watches");
  }
  CRIER_CHECK(error == ENOMEM);
  return fail(Errc::limit_reached, "the kernel has no memory to watch another socket");
}

void ReadySet::retag(int fd, Token token, Watch watch) {
  epoll_event event = event_for(token, watch);
  const int result = ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
  CRIER_CHECK(result == 0);
}

void ReadySet::remove(int fd) {
  const int result = ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  CRIER_CHECK(result == 0);
}

Result<void> probe_watches(std::size_t count) {
  auto set = ReadySet::create();
  const Fd first(::eventfd(0, EFD_CLOEXEC));
  if (!set || !first) return {};
  // A set watches each descriptor once, but each duplicate counts as another one.
  std::vector<Fd> duplicates;
  for (std::size_t i = 0; i < count; ++i) {
    duplicates.emplace_back(::fcntl(first.get(), F_DUPFD_CLOEXEC, 0));
    if (!duplicates.back()) return {};
    if (const auto added = set->add(duplicates.back().get(), {}); !added) return added;
  }
  return {};
}

std::size_t ReadySet::wait(std::span<Ready> out) {
  CRIER_CHECK(!out.empty());
  std::array<epoll_event, kReadyBatchMax>
      events;  // Left uninitialised: the kernel fills the front.
  const std::size_t room = std::min(out.size(), events.size());
  const int result = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(room), 0);
  CRIER_CHECK(result >= 0 || errno == EINTR);
  const std::size_t count = result > 0 ? static_cast<std::size_t>(result) : 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t flags = events[i].events;
    out[i] = Ready{.token = unpack(events[i].data.u64),
                   .readable = (flags & EPOLLIN) != 0,
                   .writable = (flags & EPOLLOUT) != 0,
                   .peer_closed = (flags & EPOLLRDHUP) != 0,
                   .error = (flags & (EPOLLERR | EPOLLHUP)) != 0};
  }
  return count;
}

}  // namespace crier::net
