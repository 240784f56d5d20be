// A connected stream socket for crier's commands. Each call waits, at most for its timeout.
//
// The daemon must not use it, because its loops never wait. Belongs to one thread. The destructor
// closes the socket.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.h"
#include "net/socket/fd.h"

namespace crier::net {

// A timeout that never ends, for a stream that may be silent for hours.
inline constexpr std::chrono::milliseconds kForever{-1};

class ClientSocket {
 public:
  // Tries every address of `host`, each for at most `timeout`. Keep-alive probes notice within
  // about a minute that the peer has vanished.
  static Result<ClientSocket> connect_tcp(const std::string& host, const std::string& port,
                                          std::chrono::milliseconds timeout);
  // Fails with Errc::not_found if there is no such socket, or if no process listens on it.
  static Result<ClientSocket> connect_unix(const std::string& path,
                                           std::chrono::milliseconds timeout);

  // Sends all bytes within the timeout, or fails.
  Result<void> send_all(std::string_view bytes, std::chrono::milliseconds timeout);
  // Receives at least one byte; returns 0 if the peer has closed.
  Result<std::size_t> receive(std::span<char> room, std::chrono::milliseconds timeout);

  // Returns true if the peer has closed, or has sent bytes that no request asked for: the next
  // request then needs a new connection.
  bool stale() const;

 private:
  explicit ClientSocket(Fd fd) : fd_(std::move(fd)) {}

  Fd fd_;
};

}  // namespace crier::net
