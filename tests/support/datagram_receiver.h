// A socket with an abstract name that receives datagrams, like a service manager's. It never
// blocks.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <string>

#include "tests/support/catch.h"

namespace crier::tests {

class DatagramReceiver {
 public:
  DatagramReceiver() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    name_.copy(to.sun_path + 1, name_.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name_.size());
    REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&to), size) == 0);
  }

  ~DatagramReceiver() { ::close(fd_); }
  DatagramReceiver(const DatagramReceiver&) = delete;
  DatagramReceiver& operator=(const DatagramReceiver&) = delete;

  // The name in the form of $NOTIFY_SOCKET.
  std::string address() const { return "@" + name_; }

  // The next datagram; empty if there is none.
  std::string receive() {
    char text[256];
    const ssize_t size = ::recv(fd_, text, sizeof(text), 0);
    return size < 0 ? std::string() : std::string(text, static_cast<std::size_t>(size));
  }

 private:
  std::string name_ = "crier-test-datagrams-" + std::to_string(::getpid());
  int fd_;
};

}  // namespace crier::tests
