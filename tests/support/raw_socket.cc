#include "tests/support/raw_socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

namespace crier::tests {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw SocketError(what + ": " + std::strerror(errno));
}

int connected(int fd, const sockaddr* address, socklen_t bytes, const std::string& where) {
  if (::connect(fd, address, bytes) == 0) return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  fail("connect to " + where);
}

// Bounds a send that blocks because the peer does not read.
void bound_sends(int fd) {
  const timeval limit = {.tv_sec = kPatienceMs / 1000, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

}  // namespace

std::string HttpAnswer::field(const std::string& name) const {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : found->second;
}

RawSocket RawSocket::tcp(const std::string& address, int port, int receive_buffer,
                         const std::string& from) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  if (receive_buffer > 0) {  // Set before connect(), because it decides the window.
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  bound_sends(fd);
  if (!from.empty()) {
    sockaddr_in own{};
    own.sin_family = AF_INET;
    ::inet_pton(AF_INET, from.c_str(), &own.sin_addr);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) fail("bind");
  }
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  ::inet_pton(AF_INET, address.c_str(), &to.sin_addr);
  return RawSocket(connected(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to,
                             address + ":" + std::to_string(port)));
}

RawSocket RawSocket::unix_stream(const std::string& path) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (path.size() >= sizeof to.sun_path) throw SocketError("path too long: " + path);
  path.copy(to.sun_path, path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  bound_sends(fd);
  return RawSocket(connected(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to, path));
}

RawSocket::RawSocket(RawSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), ended_(other.ended_), buffer_(std::move(other.buffer_)) {}

RawSocket& RawSocket::operator=(RawSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(ended_, other.ended_);
  std::swap(buffer_, other.buffer_);
  return *this;
}

RawSocket::~RawSocket() {
  close();
}

void RawSocket::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

void RawSocket::shut_down_writing() {
  ::shutdown(fd_, SHUT_WR);
}

void RawSocket::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) fail("send");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void RawSocket::send_each_byte(std::string_view bytes) {
  for (const char& byte : bytes) send({&byte, 1});
}

bool RawSocket::read_more(int wait_ms) {
  if (ended_) return false;
  pollfd readable = {.fd = fd_, .events = POLLIN, .revents = 0};
  if (::poll(&readable, 1, wait_ms) <= 0) return false;
  std::array<char, 64 * 1024> bytes;
  const ssize_t count = ::recv(fd_, bytes.data(), bytes.size(), 0);
  if (count < 0 && errno == EINTR) return read_more(wait_ms);
  if (count <= 0) {
    ended_ = true;
    return false;
  }
  buffer_.append(bytes.data(), static_cast<std::size_t>(count));
  return true;
}

std::string RawSocket::read_to_end(int wait_ms) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(wait_ms);
  while (!ended_) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) throw SocketError("the connection was not ended; read: " + buffer_);
    read_more(static_cast<int>(left.count()));
  }
  return std::exchange(buffer_, {});
}

std::string RawSocket::take(std::size_t bytes, int wait_ms) {
  while (buffer_.size() < bytes) {
    if (!read_more(wait_ms)) throw SocketError("the answer breaks off; read: " + buffer_);
  }
  std::string taken = buffer_.substr(0, bytes);
  buffer_.erase(0, bytes);
  return taken;
}

std::string RawSocket::take_line(int wait_ms) {
  std::size_t end = 0;
  while ((end = buffer_.find("\r\n")) == std::string::npos) {
    if (!read_more(wait_ms)) throw SocketError("no answer, or part of one: " + buffer_);
  }
  std::string line = take(end, wait_ms);
  take(2, wait_ms);
  return line;
}

HttpAnswer RawSocket::read_head(int wait_ms) {
  HttpAnswer answer;
  const std::string first = take_line(wait_ms);
  if (!first.starts_with("HTTP/1.") || first.size() < 12) {
    throw SocketError("not a status line: " + first);
  }
  answer.status = std::stoi(first.substr(9, 3));
  for (std::string line; !(line = take_line(wait_ms)).empty();) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) throw SocketError("not a field: " + line);
    std::string& value = answer.fields[lower(line.substr(0, colon))];
    if (!value.empty()) value += ", ";
    value += line.substr(colon + 2);
  }
  return answer;
}

HttpAnswer RawSocket::read_answer(bool bodiless, int wait_ms) {
  HttpAnswer answer = read_head(wait_ms);
  while (answer.status / 100 == 1) answer = read_head(wait_ms);
  if (bodiless || answer.status == 204 || answer.status == 304) return answer;
  if (const std::string length = answer.field("content-length"); !length.empty()) {
    answer.body = take(std::stoul(length), wait_ms);
  } else if (answer.field("transfer-encoding") == "chunked") {
    for (;;) {
      const std::size_t size = std::stoul(take_line(wait_ms), nullptr, 16);
      answer.body += take(size, wait_ms);
      take_line(wait_ms);
      if (size == 0) break;
    }
  } else {
    answer.body = read_to_end(wait_ms);
  }
  return answer;
}

}  // namespace crier::tests
