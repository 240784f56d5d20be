// The server that is measured: one that this object starts and ends, or one that runs already.
//
// Belongs to one thread; start() waits.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cmd/client/http_client.h"
#include "core/result.h"
#include "net/socket/endpoint.h"

namespace crier::bench {

class Server {
 public:
  struct Options {
    std::vector<std::string> settings;  // KEY=VALUE, for --set.
    std::uint32_t streams = 0;          // As many as it must have room for.
  };

  // Starts this program's `serve` with an address of 127.0.0.0/8 and a temporary folder of its own,
  // and waits until it is ready or turn() is false. Fails with the end of its log.
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(const Options& options,
                                                             const std::function<bool()>& turn);
  // A server that listens at host and port, an IPv4 address if the host has one, and at the publish
  // socket. Fails with Errc::denied if the host is another machine, unless `remote`.
  [[nodiscard]] static Result<std::unique_ptr<Server>> find(const cmd::ServerAddress& at,
                                                            const std::string& publish_socket,
                                                            bool remote);
  // Ends a server that start() started, and removes its folder.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const net::SocketAddress& address() const { return address_; }
  std::string address_text() const;                  // "127.0.0.1:8080", "[::1]:8080"
  const std::string& host() const { return host_; }  // As requests name it.
  const std::string& publish_socket() const { return publish_socket_; }
  bool started() const { return !folder_.empty(); }
  bool on_this_machine() const { return local_; }
  pid_t pid() const { return pid_; }  // 0: unknown.
  const char* why_no_pid() const { return why_no_pid_; }

  // Of all its threads, in nanoseconds. Nothing if the process is unknown or /proc hides it.
  std::optional<std::uint64_t> cpu_ns() const;
  // Resident bytes: counted page by page, which takes long for a large server, or what the kernel
  // has counted, which may lag by some hundred KiB.
  std::optional<std::uint64_t> resident_exactly() const;
  std::optional<std::uint64_t> resident() const;

 private:
  Server() = default;
  std::string log_end() const;
  bool wait_until_ready(const std::function<bool()>& turn);

  net::SocketAddress address_;
  std::string host_;
  std::string publish_socket_;
  std::string folder_;  // Empty: not started here.
  bool local_ = true;
  pid_t pid_ = 0;
  const char* why_no_pid_ = "";
};

}  // namespace crier::bench
