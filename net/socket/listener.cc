#include "net/socket/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string>

#include "core/check.h"
#include "net/socket/handed_in.h"
#include "net/socket/os_error.h"
#include "net/socket/peer_address.h"

namespace crier::net {
namespace {

Result<void> set_inherited_options(int fd, const ListenerOptions& options,
                                   const OptionCalls& sockets) {
  const OptionCall rows[] = {
      {IPPROTO_TCP, TCP_DEFER_ACCEPT, options.defer_accept_seconds, "TCP_DEFER_ACCEPT"},
      {IPPROTO_TCP, TCP_KEEPIDLE, options.keepalive_idle_seconds, "TCP_KEEPIDLE"},
      {IPPROTO_TCP, TCP_KEEPINTVL, options.keepalive_interval_seconds, "TCP_KEEPINTVL"},
      {IPPROTO_TCP, TCP_KEEPCNT, options.keepalive_probes, "TCP_KEEPCNT"},
      {SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE"},
  };
  if (auto done = set_options(fd, rows); !done) return done;
  return sockets.apply(fd);
}

std::unexpected<Error> bind_failure(const Endpoint& endpoint, std::string_view setting, int error) {
  const std::string where = endpoint.text();
  const std::string key(setting);
  switch (error) {
    case EADDRINUSE:
      return fail(Errc::address_in_use, where + " is in use: another crier or another program " +
                                            "holds it; stop that one or change " + key);
    case EADDRNOTAVAIL:
      // A later start may succeed: the address may be added meanwhile.
      return fail(Errc::os, where + " is not an address of this machine; change " + key);
    case EACCES:
      return fail(Errc::invalid_config, "not allowed to bind " + where + "; change " + key +
                                            " or grant CAP_NET_BIND_SERVICE");
    default:
      return os_failure("cannot bind " + where + " (" + key + ")", error);
  }
}

enum class Binding : std::uint8_t { alone, with_other_workers };

Result<Fd> bound_socket(const Endpoint& wanted, Binding binding, std::string_view setting) {
  if (wanted.family == Endpoint::Family::unix_socket) {
    return fail(Errc::invalid_config, std::string(setting) + " is " + wanted.text() +
                                          " but must be an address and a port");
  }
  constexpr int kType = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  Endpoint endpoint = wanted;
  Fd fd(::socket(endpoint.family == Endpoint::Family::ipv4 ? AF_INET : AF_INET6, kType, 0));
  if (!fd && errno == EAFNOSUPPORT && endpoint.family == Endpoint::Family::any) {
    endpoint.family = Endpoint::Family::ipv4;  // A kernel without IPv6: `any` means 0.0.0.0.
    fd.reset(::socket(AF_INET, kType, 0));
  }
  if (!fd) return os_failure("cannot make a socket for " + wanted.text());

  // SO_REUSEADDR too: without it, connections left over from the last run keep the probe from
  // binding.
  const OptionCall shared[] = {
      {SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"},
      {SOL_SOCKET, SO_REUSEPORT, binding == Binding::with_other_workers, "SO_REUSEPORT"},
  };
  if (auto done = set_options(fd.get(), shared); !done) return std::unexpected(done.error());
  if (endpoint.family != Endpoint::Family::ipv4) {
    const OptionCall alone[] = {
        {IPPROTO_IPV6, IPV6_V6ONLY, endpoint.family == Endpoint::Family::ipv6, "IPV6_V6ONLY"}};
    if (auto done = set_options(fd.get(), alone); !done) return std::unexpected(done.error());
  }
  const SocketAddress address = socket_address(endpoint);
  if (::bind(fd.get(), address.get(), address.size) != 0) {
    return bind_failure(wanted, setting, errno);
  }
  return fd;
}

Fd open_spare() {
  return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

// Errors of the connection itself, which accept(2) reports in its place: the listener goes on.
bool connection_failed(int error) {
  constexpr int kErrors[] = {ECONNABORTED, EPROTO,    EPERM,        ENETDOWN,
                             ENOPROTOOPT,  EHOSTDOWN, EHOSTUNREACH, EOPNOTSUPP,
                             ENETUNREACH,  ETIMEDOUT, ENONET,       ECONNRESET};
  return std::ranges::find(kErrors, error) != std::end(kErrors);
}

}  // namespace

Listener::Listener(Fd socket, Origin origin, SocketOptions options)
    : socket_(std::move(socket)),
      spare_(open_spare()),
      origin_(origin),
      options_(std::move(options)),
      counters_(std::make_unique<ListenerCounters>()) {}

Result<Listener> Listener::open(const Endpoint& endpoint, const ListenerOptions& options,
                                std::string_view setting) {
  Result<Fd> fd = bound_socket(endpoint, Binding::with_other_workers, setting);
  if (!fd) return std::unexpected(fd.error());
  if (auto done = set_inherited_options(fd->get(), options, OptionCalls::to(options.sockets));
      !done) {
    return std::unexpected(done.error());
  }
  if (::listen(fd->get(), options.backlog) != 0) return bind_failure(endpoint, setting, errno);
  return Listener(std::move(*fd), Origin::ours, options.sockets);
}

Result<Listener> Listener::adopt(Fd socket, const ListenerOptions& options, Sharing sharing) {
  if (auto done = prepare_handed_in(socket.get()); !done) return std::unexpected(done.error());
  // An earlier daemon may have set its options.
  const auto own = kernel_options();
  if (!own) return std::unexpected(own.error());
  const auto sockets = OptionCalls::all(options.sockets, *own);
  if (auto done = set_inherited_options(socket.get(), options, sockets); !done) {
    return std::unexpected(done.error());
  }
  if (::listen(socket.get(), options.backlog) != 0) return os_failure("cannot listen again");
  const bool alone = sharing == Sharing::one_worker;
  return Listener(std::move(socket), alone ? Origin::handed_in : Origin::handed_in_to_several,
                  options.sockets);
}

Result<void> Listener::prefer_processor(unsigned processor) {
  const OptionCall option[] = {
      {SOL_SOCKET, SO_INCOMING_CPU, static_cast<int>(processor), "SO_INCOMING_CPU"}};
  return set_options(socket_.get(), option);
}

std::uint16_t Listener::port() const {
  return local_address(socket_.get()).port;
}

void Listener::follow(const SocketPlan& plan) {
  if (!socket_) return;
  const auto calls = options_ ? OptionCalls::between(*options_, plan.current, plan.own)
                              : OptionCalls::all(plan.current, plan.own);
  options_ = plan.current;
  if (!calls.apply(socket_.get())) {
    options_.reset();
    counters_->options_refused.add();
  }
  canary_ =
      plan.canary ? OptionCalls::between(plan.current, *plan.canary, plan.own) : OptionCalls();
  canary_percent_ = plan.canary ? plan.canary_percent : 0;
}

// For a listening socket the kernel reports both in fields that mean something else for others.
void Listener::look_at_queue() {
  if (!socket_) return;
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (::getsockopt(socket_.get(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return;
  counters_->waiting.set(info.tcpi_unacked);
  counters_->waiting_max.set(info.tcpi_sacked);
}

bool Listener::is_canarys_turn() {
  canary_due_ += canary_percent_;
  if (canary_due_ < 100) return false;
  canary_due_ -= 100;
  return true;
}

Listener::Attempt Listener::accept_one() {
  if (!socket_) return {.end = AcceptEnd::drained};
  if (!spare_) spare_ = open_spare();
  SocketAddress address;
  address.size = sizeof(address.storage);
  const int fd =
      ::accept4(socket_.get(), address.get(), &address.size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    counters_->accepted.add();
    Accepted accepted{.fd = fd, .peer = peer_address(address.storage)};
    if (canary_percent_ != 0 && is_canarys_turn()) {
      accepted.canary = true;
      counters_->canaries.add();
      if (!canary_.apply(fd)) counters_->options_refused.add();
    }
    return {.accepted = accepted};
  }
  const int error = errno;
  if (error == EAGAIN || error == EWOULDBLOCK) return {.end = AcceptEnd::drained};
  if (error == EINTR) return {};
  if (error == EMFILE || error == ENFILE) {
    counters_->starved.add();
    if (origin_ != Origin::handed_in_to_several) shed_one();
    return {.end = AcceptEnd::starved};
  }
  if (connection_failed(error)) {
    counters_->failed.add();
    return {};
  }
  CRIER_CHECK(error != EBADF);
  CRIER_CHECK(error != ENOTSOCK);
  CRIER_CHECK(error != EFAULT);
  // ENOBUFS, ENOMEM and errors that crier does not know: a pause suits all of them.
  counters_->starved.add();
  return {.end = AcceptEnd::starved};
}

void Listener::shed_one() {
  if (!spare_) return;
  spare_.reset();
  if (const Fd unlucky(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)); unlucky) {
    counters_->shed.add();
  }
  spare_ = open_spare();
}

void Listener::stop() {
  if (!socket_) return;
  // close() alone would leave it listening while a copy exists in another thread's table.
  if (origin_ == Origin::ours) ::shutdown(socket_.get(), SHUT_RDWR);
  socket_.reset();
  spare_.reset();
}

Result<void> probe_address(const Endpoint& endpoint, std::string_view setting) {
  if (Result<Fd> fd = bound_socket(endpoint, Binding::alone, setting); !fd) {
    return std::unexpected(fd.error());
  }
  return {};
}

}  // namespace crier::net
