// Listening sockets that a service manager opened before crier ran (systemd.socket(5)): while crier
// restarts, connections wait in their queues instead of being refused.
//
//   FileDescriptorName=http      subscribers: one socket that all workers share, or, with
//                                ReusePort=yes, one for each worker
//   FileDescriptorName=publish   publishers: one Unix stream socket
//
// For the start, before there are threads; uses libsystemd.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "core/result.h"
#include "net/socket/fd.h"

namespace crier::cmd {

struct Activation {
  std::vector<net::Fd> http;  // None, one for all workers, or one for each.
  bool http_shared = false;   // Those of share_out() are copies of one.
  net::Fd publish;
  std::string http_address;  // Of the sockets, which may be given away; empty: none was passed.
  std::string publish_path;

  // Takes the descriptors passed to this process, and $LISTEN_FDS away from its children. Errors:
  // invalid_config for one with another name, or of another kind than its name says; for TCP
  // sockets of different addresses, and a Unix socket without a file.
  [[nodiscard]] static Result<Activation> take();

  // What workers.count 0 means: as many as there are sockets, if there are several.
  std::optional<unsigned> workers() const;
  // Puts the addresses of the sockets in place of the configured ones, which nobody listens on.
  void name_addresses(config::Config& config) const;
  // That workers.steering does not count, if it would; else empty.
  std::string steering_note(const config::Config& config) const;
  // Gives each of `workers` a socket: copies of the one there is, or those that are there. Errors:
  // invalid_config when their number is another; os.
  [[nodiscard]] Result<void> share_out(unsigned workers);

 private:
  [[nodiscard]] Result<void> add_http(net::Fd socket);
};

}  // namespace crier::cmd
