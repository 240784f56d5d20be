#include "cmd/system/activation.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/text/decimal.h"
#include "net/socket/handed_in.h"
#include "net/socket/os_error.h"
#include "net/socket/peer_address.h"
#include "net/socket/unix_socket.h"

namespace crier::cmd {
namespace {

std::unexpected<Error> wrong(const std::string& what) {
  return fail(Errc::invalid_config, "the service manager passed " + what +
                                        "; see FileDescriptorName= and ListenStream= of the unit");
}

// Returns the value of an environment variable, and unsets it: it is not for child processes.
std::string take_variable(const char* name) {
  const char* value = std::getenv(name);
  std::string text = value == nullptr ? "" : value;
  ::unsetenv(name);
  return text;
}

// Returns the names of the descriptors that were passed to this process, in their order.
Result<std::vector<std::string>> take_names() {
  const std::string process = take_variable("LISTEN_PID");
  const std::string count = take_variable("LISTEN_FDS");
  std::string names = take_variable("LISTEN_FDNAMES");
  std::vector<std::string> list;
  if (process != std::to_string(::getpid()) || count.empty() || count == "0") return list;
  for (std::size_t begin = 0; begin <= names.size();) {
    const std::size_t end = std::min(names.find(':', begin), names.size());
    list.push_back(names.substr(begin, end - begin));
    begin = end + 1;
  }
  if (parse_decimal<std::size_t>(count) == list.size()) return list;
  return wrong("$LISTEN_FDS \"" + count + "\" and $LISTEN_FDNAMES \"" + names + "\"");
}

}  // namespace

Result<Activation> Activation::take() {
  constexpr int kFirst = 3;  // SD_LISTEN_FDS_START
  const auto names = take_names();
  if (!names) return std::unexpected(names.error());
  Activation taken;
  Result<void> problem;
  for (std::size_t i = 0; i < names->size(); ++i) {
    net::Fd fd(kFirst + static_cast<int>(i));
    if (::fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0 && problem) {
      problem = net::os_failure("cannot take a descriptor of the service manager");
    }
    const std::string& name = (*names)[i];
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
