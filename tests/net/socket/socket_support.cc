#include "tests/net/socket/socket_support.h"

#include <fcntl.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "tests/support/catch.h"

namespace crier::net::test {
namespace {

constexpr int kPatienceMs = 5'000;

}  // namespace

Listener listen_on(const char* address, const ListenerOptions& options) {
  auto endpoint = Endpoint::parse(std::string(address) + ":0");
  REQUIRE(endpoint);
  auto listener = Listener::open(*endpoint, options);
  if (!listener) FAIL(listener.error().detail);
  return std::move(*listener);
}

Fd connect_to(const char* address, std::uint16_t port) {
  const auto endpoint = Endpoint::parse(std::string(address) + ":" + std::to_string(port));
  REQUIRE(endpoint);
  const SocketAddress to = socket_address(*endpoint);
  Fd fd(::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(fd);
  const timeval patience{.tv_sec = kPatienceMs / 1000, .tv_usec = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  REQUIRE(::connect(fd.get(), to.get(), to.size) == 0);
  return fd;
}

std::pair<Fd, Fd> tcp_pair(const char* address, const ListenerOptions& options) {
  Listener listener = listen_on(address, options);
  Fd client = connect_to(address, listener.port());
  if (options.defer_accept_seconds > 0) send_text(client.get(), "x");
  REQUIRE(wait_for(listener.fd(), POLLIN));
  Fd server;
  listener.accept_some(1, [&](const Accepted& one) { server.reset(one.fd); });
  REQUIRE(server);
  set_blocking(client.get(), false);
  return {std::move(server), std::move(client)};
}

void send_text(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    REQUIRE(sent > 0);
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void set_blocking(int fd, bool blocking) {
  const int flags = ::fcntl(fd, F_GETFL);
  REQUIRE(::fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) == 0);
}

std::string receive(int fd, std::size_t size) {
  std::string all;
  std::array<char, 4096> buffer{};
  while (all.size() < size && wait_for(fd, POLLIN)) {
    const ssize_t got = ::recv(fd, buffer.data(), std::min(buffer.size(), size - all.size()), 0);
    if (got <= 0) break;
    all.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return all;
}

std::string receive_all(int fd, bool* reset) {
  std::string all;
  std::array<char, 4096> buffer{};
  while (wait_for(fd, POLLIN)) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (reset != nullptr) *reset = got < 0 && errno == ECONNRESET;
    if (got <= 0) return all;
    all.append(buffer.data(), static_cast<std::size_t>(got));
  }
  FAIL("the peer did not close; it sent " << all);
  return all;
}

bool stays_silent(int fd, int ms) {
  pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, ms) == 0;
}

bool wait_for(int fd, short events) {
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  return ::poll(&entry, 1, kPatienceMs) == 1;
}

int option_of(int fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof(value);
  REQUIRE(::getsockopt(fd, level, name, &value, &size) == 0);
  return value;
}

DescriptorLimit::DescriptorLimit(rlim_t limit) {
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
  const rlimit lowered{.rlim_cur = limit, .rlim_max = before_.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &lowered) == 0);
}

DescriptorLimit::~DescriptorLimit() {
  ::setrlimit(RLIMIT_NOFILE, &before_);
}

}  // namespace crier::net::test
