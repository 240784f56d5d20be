// The floor: what an event-stream server costs when it does nothing but the system calls.
//
//   bench_floor ADDRESS:PORT SOCKET
//
// One thread, one level-triggered epoll loop. A connection is accepted, added, read once and
// answered with a fixed head; `topic=` in its request line says what it gets. `POST /topics/T` on
// the Unix socket (keep-alive, pipelined) is encoded once and then sent with one blocking send()
// per subscriber. No history, no ids to resume from, no limits, no checks, no memory bound: the
// figure to compare with, not a server. A subscriber that does not read stops it, so it is only run
// without such.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

constexpr std::string_view kHead =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    "Cache-Control: no-cache, no-transform\r\nTransfer-Encoding: chunked\r\n\r\n";
constexpr std::string_view kAccepted =
    "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
constexpr int kAcceptsPerTurn = 64;

using Subscribers = std::vector<int>;

// What is known of a descriptor; indexed by it.
struct Connection {
  enum class Kind : std::uint8_t { none, listener, publish_listener, publisher, request, stream };
  Kind kind = Kind::none;
  std::uint32_t position = 0;          // In its topic's list.
  Subscribers* subscribers = nullptr;  // Its topic's list; streams only.
};

class Floor {
 public:
  Floor(int listener, int publish_listener) : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
    watch(listener, Connection::Kind::listener);
    watch(publish_listener, Connection::Kind::publish_listener);
  }

  void run() {
    std::array<epoll_event, 512> ready{};
    for (;;) {
      const int count = epoll_wait(epoll_, ready.data(), static_cast<int>(ready.size()), -1);
      for (int i = 0; i < count; ++i) on_ready(ready[static_cast<std::size_t>(i)].data.fd);
    }
  }

 private:
  Connection& connection(int fd) {
    const auto index = static_cast<std::size_t>(fd);
    if (index >= connections_.size()) connections_.resize(index + 1024);
    return connections_[index];
  }

  void watch(int fd, Connection::Kind kind) {
    connection(fd) = {.kind = kind};
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void on_ready(int fd) {
    switch (connection(fd).kind) {
      case Connection::Kind::listener:
        return accept_some(fd, Connection::Kind::request);
      case Connection::Kind::publish_listener:
        return accept_some(fd, Connection::Kind::publisher);
      case Connection::Kind::publisher:
        return on_publish(fd);
      case Connection::Kind::request:
      case Connection::Kind::stream:
        return on_subscriber(fd);
      case Connection::Kind::none:
        return;
    }
  }

  void accept_some(int listener, Connection::Kind kind) {
    for (int i = 0; i < kAcceptsPerTurn; ++i) {
      const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      watch(fd, kind);
    }
  }

  void on_subscriber(int fd) {
    std::array<char, 4096> bytes;
    const ssize_t got = recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got <= 0) return forget(fd);
    Connection& subscriber = connection(fd);
    if (subscriber.kind == Connection::Kind::stream) return;
    const std::string_view request(bytes.data(), static_cast<std::size_t>(got));
    const std::size_t at = request.find("topic=");
    if (at == std::string_view::npos) return forget(fd);
    const std::string_view topic = request.substr(at + 6, request.find(' ', at) - at - 6);
    subscriber.kind = Connection::Kind::stream;
    subscriber.subscribers = &topics_[std::string(topic)];
    subscriber.position = static_cast<std::uint32_t>(subscriber.subscribers->size());
    subscriber.subscribers->push_back(fd);
    send(fd, kHead.data(), kHead.size(), MSG_NOSIGNAL);
  }

  void forget(int fd) {
    Connection& gone = connection(fd);
    if (gone.kind == Connection::Kind::stream) {
      Subscribers& list = *gone.subscribers;
      list[gone.position] = list.back();
      connection(list.back()).position = gone.position;
      list.pop_back();
    }
    gone = {};
    close(fd);
  }

  void on_publish(int fd) {
    std::array<char, 65536> bytes;
    const ssize_t got = recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got <= 0) {
      unread_.erase(fd);
      return forget(fd);
    }
    std::string& unread = unread_[fd];
    unread.append(bytes.data(), static_cast<std::size_t>(got));
    std::string answers;
    std::size_t done = 0;
    while (const std::size_t taken = publish_one(std::string_view(unread).substr(done))) {
      done += taken;
      answers += kAccepted;
    }
    unread.erase(0, done);
    send(fd, answers.data(), answers.size(), MSG_NOSIGNAL);
  }

  // Publishes the first request of `text`; returns its length, 0 if it is not complete.
  std::size_t publish_one(std::string_view text) {
    constexpr std::string_view kTarget = "POST /topics/";
    constexpr std::string_view kLength = "Content-Length: ";
    const std::size_t head = text.find("\r\n\r\n");
    const std::size_t length_at = text.find(kLength);
    if (head == std::string_view::npos || length_at > head) return 0;
    const auto length = static_cast<std::size_t>(
        std::strtoul(text.data() + length_at + kLength.size(), nullptr, 10));
    if (text.size() < head + 4 + length) return 0;
    const std::string_view topic =
        text.substr(kTarget.size(), text.find(' ', kTarget.size()) - kTarget.size());
    send_to_all(topics_[std::string(topic)], text.substr(head + 4, length));
    return head + 4 + length;
  }

  void send_to_all(const Subscribers& subscribers, std::string_view data) {
    // Ids as long as a real server's, so that both put the same number of bytes on the wire.
    std::string event = "id: bench-floor-1-" + std::to_string(++sequence_) + "\ndata: ";
    event.append(data).append("\n\n");
    std::array<char, 24> size{};
    std::snprintf(size.data(), size.size(), "%zx\r\n", event.size());
    const std::string chunk = size.data() + event + "\r\n";
    for (const int fd : subscribers) send(fd, chunk.data(), chunk.size(), MSG_NOSIGNAL);
  }

  int epoll_;
  std::vector<Connection> connections_;
  std::unordered_map<std::string, Subscribers> topics_;
  std::unordered_map<int, std::string> unread_;  // Requests begun, by publisher.
  std::uint64_t sequence_ = 0;
};

int listen_tcp(const std::string& where) {
  const std::size_t colon = where.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (colon == std::string::npos ||
      inet_pton(AF_INET, where.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    return -1;
  }
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(where.c_str() + colon + 1)));
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  return bind(fd, name, sizeof address) == 0 && listen(fd, 4096) == 0 ? fd : -1;
}

int listen_unix(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  unlink(path);
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  return bind(fd, name, sizeof address) == 0 && listen(fd, 16) == 0 ? fd : -1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_floor ADDRESS:PORT SOCKET\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  const int publish_listener = listen_unix(argv[2]);
  const int listener = listen_tcp(argv[1]);
  if (listener < 0 || publish_listener < 0) {
    std::perror("bench_floor: listen");
    return 1;
  }
  Floor(listener, publish_listener).run();
  return 0;
}
