// Real sockets on loopback addresses for the tests of net/.
//
// Each test uses a 127.0.0.x of its own: outgoing connections of other programs take their ports
// from the same range, but not on that address.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "net/socket/endpoint.h"
#include "net/socket/fd.h"
#include "net/socket/listener.h"

namespace crier::net::test {

// A listener on a port that the kernel chose. Fails the test if there is none.
Listener listen_on(const char* address,
                   const ListenerOptions& options = {.defer_accept_seconds = 0});

// A blocking client that gives up after 5 s, connected to address:port.
Fd connect_to(const char* address, std::uint16_t port);

// Two connected, non-blocking TCP sockets: .first was accepted by a listener with `options`.
std::pair<Fd, Fd> tcp_pair(const char* address,
                           const ListenerOptions& options = {.defer_accept_seconds = 0});

void send_text(int fd, std::string_view text);
void set_blocking(int fd, bool blocking);

// Reads until `size` bytes have come, the peer closes, or nothing has come for 5 s.
std::string receive(int fd, std::size_t size);
// Reads until the peer closes. Sets `reset` if it did so by RST.
std::string receive_all(int fd, bool* reset = nullptr);
// Whether nothing can be read within `ms`.
bool stays_silent(int fd, int ms = 50);
// Waits until `fd` has one of the poll(2) events; returns false after 5 s.
bool wait_for(int fd, short events);

int option_of(int fd, int level, int name);

// Lowers RLIMIT_NOFILE as long as it exists. Make no checks meanwhile: the sanitizers open pipes.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(rlim_t limit);
  ~DescriptorLimit();
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_{};
};

}  // namespace crier::net::test
