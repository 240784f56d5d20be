// A connected stream socket for crier's own commands: each call waits, but never longer than told.
//
// Not for the daemon, whose loops do not wait. Belongs to one thread; closed when destroyed.
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

// No waiting limit: for a stream that may be silent for hours.
inline constexpr std::chrono::milliseconds kForever{-1};

class ClientSocket {
 public:
  // Tries every address the name has, each for at most `timeout`. Keep-alive probes find a peer
  // that vanished in about a minute.
  static Result<ClientSocket> connect_tcp(const std::string& host, const std::string& port,
                                          std::chrono::milliseconds timeout);
  // Errc::not_found: there is no such socket, or nobody listens on it.
  static Result<ClientSocket> connect_unix(const std::string& path,
                                           std::chrono::milliseconds timeout);

  // All of it, within the timeout.
  Result<void> send_all(std::string_view bytes, std::chrono::milliseconds timeout);
  // At least one byte, or 0 when the peer has closed.
  Result<std::size_t> receive(std::span<char> room, std::chrono::milliseconds timeout);

  // Has the peer closed, or said something without being asked? Then the next request needs a new
  // connection.
  bool stale() const;

 private:
  explicit ClientSocket(Fd fd) : fd_(std::move(fd)) {}

  Fd fd_;
};

}  // namespace crier::net
