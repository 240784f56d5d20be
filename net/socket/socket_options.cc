#include "net/socket/socket_options.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <utility>

#include "net/socket/fd.h"
#include "net/socket/os_error.h"

namespace crier::net {
namespace {

constexpr const char* kAllowedFile = "/proc/sys/net/ipv4/tcp_allowed_congestion_control";
constexpr std::size_t kCongestionBytesMax = 16;  // TCP_CA_NAME_MAX

Result<Fd> new_socket() {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd && errno == EAFNOSUPPORT) fd.reset(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return os_failure("cannot make a socket to try options on");
  return fd;
}

std::optional<int> option_of(int fd, int name) {
  int value = 0;
  socklen_t size = sizeof(value);
  if (::getsockopt(fd, SOL_SOCKET, name, &value, &size) != 0) return std::nullopt;
  return value;
}

std::string allowed_now() {
  std::ifstream file(kAllowedFile);
  std::string line;
  std::getline(file, line);  // An istreambuf_iterator throws if reading fails.
  return line;
}

}  // namespace

Result<KernelOptions> kernel_options() {
  const auto fd = new_socket();
  if (!fd) return std::unexpected(fd.error());
  std::array<char, kCongestionBytesMax + 1> name{};
  socklen_t size = kCongestionBytesMax;
  if (::getsockopt(fd->get(), IPPROTO_TCP, TCP_CONGESTION, name.data(), &size) != 0) {
    return os_failure("cannot read TCP_CONGESTION");
  }
  return KernelOptions{.send_buffer_bytes = option_of(fd->get(), SO_SNDBUF).value_or(0),
                       .busy_poll_us = option_of(fd->get(), SO_BUSY_POLL),
                       .congestion_control = name.data()};
}

Result<void> set_options(int fd, std::span<const OptionCall> calls) {
  Result<void> result;
  for (const OptionCall& call : calls) {
    const bool is_text = !call.text.empty();
    const void* value = is_text ? static_cast<const void*>(call.text.data()) : &call.value;
    const auto size = static_cast<socklen_t>(is_text ? call.text.size() : sizeof(call.value));
    if (::setsockopt(fd, call.level, call.name, value, size) == 0 || !result) continue;
    result = os_failure("cannot set " + std::string(call.label) + " to " +
                        (is_text ? call.text : std::to_string(call.value)));
  }
  return result;
}

OptionCalls OptionCalls::to(const SocketOptions& wanted) {
  return make(nullptr, wanted, nullptr);
}

OptionCalls OptionCalls::all(const SocketOptions& wanted, const KernelOptions& own) {
  return make(nullptr, wanted, &own);
}

OptionCalls OptionCalls::between(const SocketOptions& current, const SocketOptions& wanted,
                                 const KernelOptions& own) {
  return make(&current, wanted, &own);
}

OptionCalls OptionCalls::make(const SocketOptions* current, const SocketOptions& wanted,
                              const KernelOptions* own) {
  OptionCalls made;
  const auto add = [&made](int level, int name, int value, const char* label,
                           std::string text = {}) {
    made.calls_.push_back({level, name, value, label, std::move(text)});
  };
  // Without `current`, sets every option; the kernel's own value only if `own` has it.
  const auto due = [&](auto SocketOptions::* member, bool is_own) {
    if (current == nullptr) return !is_own || own != nullptr;
    return current->*member != wanted.*member;
  };
  if (current == nullptr || current->no_delay != wanted.no_delay) {
    add(IPPROTO_TCP, TCP_NODELAY, wanted.no_delay ? 1 : 0, "TCP_NODELAY");
  }
  if (due(&SocketOptions::unsent_bytes_low_water, wanted.unsent_bytes_low_water == 0)) {
    add(IPPROTO_TCP, TCP_NOTSENT_LOWAT, wanted.unsent_bytes_low_water, "TCP_NOTSENT_LOWAT");
  }
  if (due(&SocketOptions::user_timeout_ms, wanted.user_timeout_ms == 0)) {
    add(IPPROTO_TCP, TCP_USER_TIMEOUT, wanted.user_timeout_ms, "TCP_USER_TIMEOUT");
  }
  if (due(&SocketOptions::send_buffer_bytes, wanted.send_buffer_bytes == 0)) {
    const bool is_own = wanted.send_buffer_bytes == 0;  // A size of 0 would be the minimum.
    add(SOL_SOCKET, SO_SNDBUF, is_own ? own->send_buffer_bytes / 2 : wanted.send_buffer_bytes,
        "SO_SNDBUF");
    if (is_own) add(SOL_SOCKET, SO_BUF_LOCK, 0, "SO_BUF_LOCK");  // It may grow again.
  }
  if (due(&SocketOptions::busy_poll_us, wanted.busy_poll_us == 0)) {
    const std::optional<int> us =
        wanted.busy_poll_us == 0 ? own->busy_poll_us : wanted.busy_poll_us;
    if (us) add(SOL_SOCKET, SO_BUSY_POLL, *us, "SO_BUSY_POLL");
  }
  if (due(&SocketOptions::congestion_control, wanted.congestion_control.empty())) {
    const bool is_own = wanted.congestion_control.empty();
    add(IPPROTO_TCP, TCP_CONGESTION, 0, "TCP_CONGESTION",
        is_own ? own->congestion_control : wanted.congestion_control);
  }
  return made;
}

std::optional<std::string> congestion_control_problem(std::string_view name,
                                                      std::string_view allowed) {
  while (!allowed.empty() && (allowed.back() == '\n' || allowed.back() == ' ')) {
    allowed.remove_suffix(1);
  }
  if (name.empty() || allowed.empty()) return std::nullopt;
  if ((" " + std::string(allowed) + " ").contains(" " + std::string(name) + " ")) {
    return std::nullopt;
  }
  return "socket.congestion_control is \"" + std::string(name) +
         "\", but the kernel allows: " + std::string(allowed) +
         "; choose one of these, or load its module (modprobe tcp_" + std::string(name) +
         ") and add it to net.ipv4.tcp_allowed_congestion_control";
}

Result<TriedOptions> try_options(const SocketOptions& wanted) {
  if (auto problem = congestion_control_problem(wanted.congestion_control, allowed_now())) {
    return fail(Errc::invalid_config, *std::move(problem));
  }
  const auto fd = new_socket();
  if (!fd) return std::unexpected(fd.error());
  TriedOptions tried{.usable = wanted, .warning = {}};
  const int poll_us = wanted.busy_poll_us;
  if (poll_us != 0 &&
      ::setsockopt(fd->get(), SOL_SOCKET, SO_BUSY_POLL, &poll_us, sizeof(poll_us)) != 0) {
    const bool forbidden = errno == EPERM;
    tried.usable.busy_poll_us = 0;
    tried.warning = "socket.busy_poll_microseconds is " + std::to_string(poll_us) + ", but " +
                    (forbidden ? "without CAP_NET_ADMIN the kernel allows no more than "
                                 "net.core.busy_read; raise that"
                               : os_failure("the kernel refuses SO_BUSY_POLL").error().detail) +
                    "; crier uses 0";
  }
  if (const auto done = OptionCalls::to(tried.usable).apply(fd->get()); !done) {
    return std::unexpected(done.error());
  }
  return tried;
}

SocketPlan next_plan(const SocketPlan& running, const SocketOptions& wanted, unsigned percent,
                     KernelOptions own) {
  SocketPlan plan;
  plan.own = std::move(own);
  if (percent >= 100 || wanted == running.current) {
    plan.current = wanted;
    return plan;
  }
  plan.current = running.current;
  plan.canary = wanted;
  plan.canary_percent = percent;
  return plan;
}

}  // namespace crier::net
