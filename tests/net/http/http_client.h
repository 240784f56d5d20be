// A client for tests of HttpServer: it shares the server's thread, so that every test is one
// sequence.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "net/loop/loop.h"
#include "net/socket/fd.h"
#include "tests/support/catch.h"

namespace crier::net::http_test {

// Turns the loop until `done` or for `wait_ms`; returns whether it is done.
template <typename Done>
bool turn_until(Loop& loop, Done&& done, std::uint64_t wait_ms = 5'000) {
  const Instant began = Loop::now();
  while (!done()) {
    if (Loop::now().us - began.us > wait_ms * 1000) return false;
    loop.settle();
    ::usleep(100);
  }
  return true;
}

inline void turn_for(Loop& loop, std::uint64_t wait_ms) {
  turn_until(loop, [] { return false; }, wait_ms);
}

// A listening TCP socket on a port that the kernel chose, and the port.
inline std::pair<Fd, std::uint16_t> listen_on_loopback() {
  Fd listening(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(::bind(listening.get(), generic, size) == 0);
  REQUIRE(::listen(listening.get(), 8) == 0);
  REQUIRE(::getsockname(listening.get(), generic, &size) == 0);
  return {std::move(listening), ntohs(address.sin_port)};
}

class Client {
 public:
  Client(Loop& loop, const std::string& path) : loop_(loop) {
    socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof(address.sun_path));
    path.copy(address.sun_path, path.size());
    connect(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }

  Client(Loop& loop, std::uint16_t port) : loop_(loop) {
    socket_.reset(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connect(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }

  // Sends all of it, and turns the loop whenever the server has to read first. Returns false if the
  // server has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent =
          ::send(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return false;
      if (sent < 0) {
        loop_.settle();
        continue;
      }
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  int fd() const { return socket_.get(); }
  void send_no_more() { ::shutdown(socket_.get(), SHUT_WR); }
  void leave(bool by_reset = false) {
    const linger now{.l_onoff = by_reset ? 1 : 0, .l_linger = 0};
    REQUIRE(::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0);
    socket_.reset();
  }

  // Turns the loop until `size` bytes have come, the connection has ended, or time is up; returns
  // all bytes so far.
  const std::string& receive(std::size_t size, std::uint64_t wait_ms = 5'000) {
    turn_until(loop_, [&] { return take() >= size || ended_; }, wait_ms);
    return received_;
  }
  // Like receive(), up to the end of the connection.
  const std::string& receive_all(std::uint64_t wait_ms = 5'000) {
    return receive(std::string::npos, wait_ms);
  }

  bool ended() {
    take();
    return ended_;
  }
  void forget() { received_.clear(); }

 private:
  void connect(const sockaddr* address, socklen_t size) {
    REQUIRE(::connect(socket_.get(), address, size) == 0);
  }

  std::size_t take() {
    std::array<char, 64 * 1024> bytes;
    ssize_t size = 0;
    while ((size = ::recv(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0) {
      received_.append(bytes.data(), static_cast<std::size_t>(size));
    }
    if (size == 0 || errno != EAGAIN) ended_ = true;
    return received_.size();
  }

  Loop& loop_;
  Fd socket_;
  std::string received_;
  bool ended_ = false;
};

}  // namespace crier::net::http_test
