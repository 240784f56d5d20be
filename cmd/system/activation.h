// Listening sockets that a service manager opened before crier ran (systemd.socket(5)): while crier
// restarts, connections wait in their queues instead of being refused.
//
//   FileDescriptorName=http      subscribers: one socket that all workers share, or, with
//                                ReusePort=yes, one for each worker
//   FileDescriptorName=publish   publishers: one Unix stream socket
//
// The protocol is that of sd_listen_fds(3), which systemd promises to keep. Belongs to the main
// thread, before it starts others.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "core/result.h"
#include "net/socket/fd.h"

namespace crier::cmd {

struct Activation {
  std::vector<net::Fd> http;  // Empty, one for all workers, or one for each.
  bool http_shared = false;   // share_out() has copied one socket.
  net::Fd publish;
  std::string http_address;  // The address of `http`, also after its sockets were moved.
  std::string publish_path;

  // Takes the descriptors that were passed to this process, and unsets $LISTEN_FDS, so that no
  // child takes them. Errors: invalid_config for an unknown name, a socket of another kind than its
  // name says, TCP sockets with different addresses, and a Unix socket without a file.
  [[nodiscard]] static Result<Activation> take();

  // The number of workers if workers.count is 0: one for each socket if there are several,
  // otherwise nothing.
  std::optional<unsigned> workers() const;
  // Replaces the configured addresses with those of the sockets.
  void name_addresses(config::Config& config) const;
  // Warns that workers.steering has no effect on these sockets; empty if it is off.
  std::string steering_note(const config::Config& config) const;
  // Makes `http` one socket for each worker, by copies if it is one. Errors: invalid_config if
  // there are several but not one for each; os.
  [[nodiscard]] Result<void> share_out(unsigned workers);

 private:
  [[nodiscard]] Result<void> add_http(net::Fd socket);
};

}  // namespace crier::cmd
