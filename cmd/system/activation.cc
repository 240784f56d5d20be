#include "cmd/system/activation.h"

#include <fcntl.h>
#include <systemd/sd-daemon.h>

#include <cstdlib>
#include <string_view>
#include <utility>

#include "net/socket/handed_in.h"
#include "net/socket/os_error.h"
#include "net/socket/peer_address.h"
#include "net/socket/unix_socket.h"

namespace crier::cmd {
namespace {

// Owns what sd_listen_fds_with_names() allocates: one block for the array, one for each name.
class Names {
 public:
  Names() : count_(::sd_listen_fds_with_names(1, &names_)) {}
  ~Names() {
    for (int i = 0; i < count_; ++i) std::free(names_[i]);
    std::free(static_cast<void*>(names_));
  }
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  int count() const { return count_; }  // Negative: an errno.
  std::string_view operator[](int i) const { return names_[i]; }

 private:
  char** names_ = nullptr;
  int count_;
};

std::unexpected<Error> wrong(const std::string& what) {
  return fail(Errc::invalid_config, "the service manager passed " + what +
                                        "; see FileDescriptorName= and ListenStream= of the unit");
}

}  // namespace

Result<Activation> Activation::take() {
  const Names names;
  if (names.count() < 0) {
    return net::os_failure("cannot take the descriptors of the service manager", -names.count());
  }
  Activation taken;
  Result<void> problem;
  for (int i = 0; i < names.count(); ++i) {
    net::Fd fd(SD_LISTEN_FDS_START + i);
    const std::string name(names[i]);
    const net::SocketKind kind = net::socket_kind(fd.get());
    if (name == "http" && kind == net::SocketKind::tcp) {
      if (auto added = taken.add_http(std::move(fd)); !added && problem) problem = added;
    } else if (name == "publish" && kind == net::SocketKind::unix_stream && !taken.publish) {
      taken.publish_path = net::bound_path(fd.get());
      taken.publish = std::move(fd);
      if (taken.publish_path.empty() && problem) {
        problem =
            wrong("a socket named \"publish\" that has no file, so that no file mode protects it");
      }
    } else if (problem) {
      problem = wrong("a descriptor named \"" + name + "\", which is not " +
                      (name == "http"      ? "a TCP socket"
                       : name == "publish" ? "one Unix stream socket"
                                           : "a name crier knows (http, publish)"));
    }
  }
  if (!problem) return std::unexpected(problem.error());
  return taken;
}

Result<void> Activation::add_http(net::Fd socket) {
  const net::PeerAddress bound = net::local_address(socket.get());
  const std::string address = net::to_string(bound);
  if (bound.port == 0) return wrong("a socket named \"http\" that is bound to no port");
  if (!http.empty() && address != http_address) {
    return wrong("sockets named \"http\" with different addresses, " + http_address + " and " +
                 address + ", but they must have the same address");
  }
  http_address = address;
  http.push_back(std::move(socket));
  return {};
}

std::optional<unsigned> Activation::workers() const {
  if (http.size() <= 1) return std::nullopt;
  return static_cast<unsigned>(http.size());
}

void Activation::name_addresses(config::Config& config) const {
  if (!http_address.empty()) config.http.listen = http_address;
  if (!publish_path.empty()) config.publish.socket = publish_path;
}

std::string Activation::steering_note(const config::Config& config) const {
  if (http.empty() || config.workers.steering == config::Steering::off) return {};
  return "workers.steering is not applied to the sockets of the service manager; disable "
         "crier-http.socket, or set it to off";
}

Result<void> Activation::share_out(unsigned workers) {
  if (http.empty() || http.size() == workers) return {};
  if (http.size() != 1) {
    return wrong(std::to_string(http.size()) + " sockets named http for " +
                 std::to_string(workers) +
                 " workers, but there must be one for each worker or one for all");
  }
  http_shared = true;
  while (http.size() < workers) {
    net::Fd copy(::fcntl(http.front().get(), F_DUPFD_CLOEXEC, 0));
    if (!copy) return net::os_failure("cannot copy the socket of the service manager");
    http.push_back(std::move(copy));
  }
  return {};
}

}  // namespace crier::cmd
