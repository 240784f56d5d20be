// A server of event streams that does by script what a real one does when something is wrong.
//
// Listens at once and serves, in a thread of its own, from start() on: what forks comes before it.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "net/socket/endpoint.h"
#include "tests/support/files.h"

namespace crier::bench {

struct Script {
  std::size_t opens = SIZE_MAX;            // So many streams get a head.
  bool closes = false;                     // Streams are closed instead.
  std::size_t ends_half_after = SIZE_MAX;  // Events, after which every other stream is ended.
  std::size_t answers = SIZE_MAX;          // So many posts are answered and delivered.
  std::size_t refuses_every = SIZE_MAX;    // Posts refused: the first, and every so many.
  std::chrono::milliseconds delay{0};      // Of a delivery.
};

class ScriptedServer {
 public:
  explicit ScriptedServer(const Script& script) : script_(script) {
    sockaddr_un path{.sun_family = AF_UNIX, .sun_path = {}};
    publish_socket().copy(path.sun_path, sizeof path.sun_path - 1);
    listen_at(publishers_, reinterpret_cast<sockaddr*>(&path), sizeof path);
    auto* address = reinterpret_cast<sockaddr*>(&address_);
    socklen_t size = sizeof address_;
    listen_at(clients_, address, size);
    REQUIRE(::getsockname(clients_, address, &size) == 0);
  }
  ~ScriptedServer() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    for (const int fd : streams_) ::close(fd);
    for (const int fd : {publishers_, clients_, publisher_}) ::close(fd);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  void start() {
    thread_ = std::thread([this] { serve(); });
  }
  net::SocketAddress address() const {
    net::SocketAddress address{.size = sizeof address_};
    std::memcpy(&address.storage, &address_, sizeof address_);
    return address;
  }
  std::string publish_socket() const { return files_.root() + "/publish.sock"; }

 private:
  using Clock = std::chrono::steady_clock;

  static void listen_at(int& fd, const sockaddr* address, socklen_t size) {
    fd = ::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(fd, address, size) == 0);
    REQUIRE(::listen(fd, 64) == 0);
  }

  static void send(int fd, std::string_view bytes) {
    ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }

  void serve() {
    while (!stop_) {
      pollfd polled[] = {{.fd = clients_, .events = POLLIN, .revents = 0},
                         {.fd = publishers_, .events = POLLIN, .revents = 0},
                         {.fd = publisher_, .events = POLLIN, .revents = 0}};
      ::poll(polled, 3, 1);
      if (polled[0].revents != 0) open_stream(::accept(clients_, nullptr, nullptr));
      if (polled[1].revents != 0) publisher_ = ::accept(publishers_, nullptr, nullptr);
      if (polled[2].revents != 0) read_posts();
      for (; !waiting_.empty() && waiting_.front().first <= Clock::now(); waiting_.pop_front()) {
        deliver("data: " + waiting_.front().second + "\n\n");
      }
    }
  }

  void open_stream(int fd) {
    char request[4096];
    if (::recv(fd, request, sizeof request, 0) <= 0 || script_.closes) {
      ::close(fd);
      return;
    }
    streams_.push_back(fd);
    if (streams_.size() <= script_.opens) send(fd, "HTTP/1.1 200 OK\r\n\r\n");
  }

  void read_posts() {
    constexpr std::string_view kLength = "Content-Length: ";
    char bytes[65536];
    const ssize_t n = ::recv(publisher_, bytes, sizeof bytes, 0);
    if (n <= 0) {
      ::close(std::exchange(publisher_, -1));
      return;
    }
    inbox_.append(bytes, static_cast<std::size_t>(n));
    for (std::size_t head; (head = inbox_.find("\r\n\r\n")) != std::string::npos;) {
      const std::size_t size = std::stoul(inbox_.substr(inbox_.find(kLength) + kLength.size()));
      if (inbox_.size() < head + 4 + size) return;
      take_post(inbox_.substr(head + 4, size));
      inbox_.erase(0, head + 4 + size);
    }
  }

  void take_post(const std::string& body) {
    const std::size_t number = posts_++;
    if (number >= script_.answers) return;
    const bool refused = number % script_.refuses_every == 0 && script_.refuses_every != SIZE_MAX;
    send(publisher_, refused ? "HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"
                             : "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    if (!refused) waiting_.emplace_back(Clock::now() + script_.delay, body);
  }

  void deliver(std::string_view event) {
    if (delivered_++ == script_.ends_half_after) {
      for (std::size_t i = 1; i < streams_.size(); i += 2) {
        ::shutdown(streams_[i], SHUT_RDWR);
      }
    }
    for (std::size_t i = 0; i < streams_.size() && i < script_.opens; ++i) {
      send(streams_[i], event);
    }
  }

  Script script_;
  Files files_;
  sockaddr_in address_{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int clients_ = -1;
  int publishers_ = -1;
  int publisher_ = -1;
  std::vector<int> streams_;
  std::string inbox_;
  std::size_t posts_ = 0;
  std::size_t delivered_ = 0;
  std::deque<std::pair<Clock::time_point, std::string>> waiting_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace crier::bench
