#include "cmd/bench/server.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string_view>
#include <thread>

#include "cmd/bench/publisher.h"
#include "cmd/system/machine.h"
#include "net/socket/fd.h"
#include "net/socket/os_error.h"

namespace crier::bench {
namespace {

using std::chrono::milliseconds;

constexpr int kReadySeconds = 30;
constexpr int kEndSeconds = 10;
constexpr int kAnswerSeconds = 5;
constexpr milliseconds kAskEvery{5};
// Descriptors of a worker that are no streams, with a wide margin.
constexpr std::uint64_t kOtherDescriptors = 1'000;

// Returns an address of 127.0.0.0/8 below the networks that streams come from, with a port that is
// free there, also for a socket on all addresses. The port is 0 if no free one was found.
net::SocketAddress free_address() {
  std::random_device random;
  const std::uint32_t host = 1 + random() % 60 * 65'536 + 256 + random() % 60'000;
  const sockaddr_in wanted{.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(127U << 24 | host)}};
  net::SocketAddress address{.size = sizeof wanted};
  std::memcpy(&address.storage, &wanted, sizeof wanted);
  const net::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(socket.get(), address.get(), address.size) == 0) {
    ::getsockname(socket.get(), address.get(), &address.size);
  }
  return address;
}

// The bytes of an IPv4 or IPv6 address.
std::string_view address_bytes(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    return {reinterpret_cast<const char*>(&reinterpret_cast<const sockaddr_in*>(address)->sin_addr),
            sizeof(in_addr)};
  }
  if (address->sa_family != AF_INET6) return {};
  return {reinterpret_cast<const char*>(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr),
          sizeof(in6_addr)};
}

bool is_of_this_machine(const sockaddr* address) {
  const std::string_view bytes = address_bytes(address);
  if (address->sa_family == AF_INET && bytes.front() == 127) return true;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return false;
  bool found = false;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    found = found || (one->ifa_addr != nullptr && address_bytes(one->ifa_addr) == bytes);
  }
  ::freeifaddrs(all);
  return found;
}

// The process that answers at this publish socket, by the credentials that the kernel adds to its
// answer: who opened the socket may be a service manager. Nothing if no answer comes; 0 if the
// process is not visible from here.
std::optional<pid_t> answering_process(int fd) {
  constexpr std::string_view kRequest =
      "GET / HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n";
  const int on = 1;
  const timeval bound{.tv_sec = kAnswerSeconds, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
  ::send(fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL);
  char byte = 0;
  iovec data{.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))] = {};
  msghdr message{
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  if (::recvmsg(fd, &message, MSG_CMSG_CLOEXEC) <= 0) return std::nullopt;
  const cmsghdr* head = CMSG_FIRSTHDR(&message);
  if (head == nullptr || head->cmsg_type != SCM_CREDENTIALS) return std::nullopt;
  ucred process{};
  std::memcpy(&process, CMSG_DATA(head), sizeof process);
  return process.pid;
}

// Runs in the child. A group of its own: Ctrl-C is for the command, which then ends the server.
[[noreturn]] void become_server(std::vector<std::string> words, const std::string& log) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::unsetenv("NOTIFY_SOCKET");
  ::unsetenv("WATCHDOG_USEC");
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(nothing, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  ::execv("/proc/self/exe", pointers.data());
  ::_exit(127);
}

std::optional<std::uint64_t> first_number(const std::string& path, int skip = 0) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  for (int i = 0; i <= skip; ++i) {
    if (!(file >> number)) return std::nullopt;
  }
  return number;
}

}  // namespace

Result<std::unique_ptr<Server>> Server::start(const Options& options,
                                              const std::function<bool()>& turn) {
  std::unique_ptr<Server> server(new Server());
  std::string folder = (std::filesystem::temp_directory_path() / "crier-bench-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return net::os_failure("no folder " + folder);
  server->folder_ = folder;
  server->publish_socket_ = folder + "/publish.sock";
  server->address_ = free_address();
  server->host_ = server->address_text();
  std::vector<std::string> words = {"crier", "serve"};
  const auto set = [&](const std::string& setting) {
    words.insert(words.end(), {"--set", setting});
  };
  set("http.listen=" + server->address_text());
  set("admin.listen=unix:" + folder + "/admin.sock");
  set("publish.socket=" + server->publish_socket_);
  const std::uint64_t descriptors = cmd::this_machine().descriptors_max;
  if (descriptors > kOtherDescriptors && options.streams + kOtherDescriptors > descriptors) {
    // A table for each worker, and room for workers that get more than their share.
    const std::uint64_t room = std::uint64_t{options.streams} * 5 / 4;
    const std::uint64_t workers = room / (descriptors - kOtherDescriptors) + 1;
    set("limits.streams_max=" + std::to_string(options.streams));
    set("workers.count=" + std::to_string(std::max<std::uint64_t>(workers, cmd::cores())));
  }
  for (const std::string& setting : options.settings) set(setting);
  server->pid_ = ::fork();
  if (server->pid_ < 0) return net::os_failure("fork");
  if (server->pid_ == 0) become_server(std::move(words), folder + "/log");
  if (!server->wait_until_ready(turn)) {
    if (!turn()) return fail(Errc::os, "interrupted before the server was ready");
    return fail(Errc::os, "the server did not become ready: " + server->log_end());
  }
  return server;
}

bool Server::wait_until_ready(const std::function<bool()>& turn) {
  cmd::HttpClient admin({.path = folder_ + "/admin.sock", .host = {}, .port = {}},
                        cmd::kAnswerTimeout);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(kReadySeconds);
  while (std::chrono::steady_clock::now() < deadline && turn()) {
    const auto answer = admin.exchange({.target = "/readyz", .fields = {}, .body = {}});
    if (answer && answer->head.status == 200) return true;
    if (::waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = 0;
      return false;
    }
    std::this_thread::sleep_for(kAskEvery);
  }
  return false;
}

std::string Server::log_end() const {
  constexpr std::size_t kShown = 600;
  std::ifstream file(folder_ + "/log");
  std::ostringstream text;
  text << file.rdbuf();
  const std::string all = std::move(text).str();
  return all.substr(all.size() - std::min(all.size(), kShown));
}

Result<std::unique_ptr<Server>> Server::find(const cmd::ServerAddress& at,
                                             const std::string& publish_socket, bool remote) {
  const addrinfo wanted{.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(at.host.c_str(), at.port.c_str(), &wanted, &found);
      error != 0) {
    return fail(Errc::not_found, "no address of " + at.host + ": " + ::gai_strerror(error));
  }
  std::unique_ptr<Server> server(new Server());
  const addrinfo* one = found;
  while (one != nullptr && one->ai_family != AF_INET) one = one->ai_next;
  if (one == nullptr) one = found;
  server->address_.size = one->ai_addrlen;
  std::memcpy(&server->address_.storage, one->ai_addr, one->ai_addrlen);
  ::freeaddrinfo(found);
  server->host_ = at.host_header();
  server->publish_socket_ = publish_socket;
  server->local_ = is_of_this_machine(server->address_.get());
  if (!server->local_ && !remote) {
    return fail(Errc::denied,
                at.host + " is not this machine; if you may put load on it, add --remote");
  }
  Publisher probe;
  if (auto connected = probe.connect(publish_socket); !connected) {
    return std::unexpected(connected.error());
  }
  if (!server->local_) {
    server->why_no_pid_ = "it is another machine";
  } else if (const auto process = answering_process(probe.fd()); !process) {
    server->why_no_pid_ = "its publish socket did not answer";
  } else if (*process == 0) {
    server->why_no_pid_ = "its process is in a PID namespace that is not visible here";
  } else {
    server->pid_ = *process;
  }
  return server;
}

Server::~Server() {
  if (!started()) return;
  if (pid_ > 0) {
    ::kill(pid_, SIGTERM);
    ::kill(pid_, SIGTERM);  // The second one: without a drain.
    bool ended = false;
    for (int i = 0; i < kEndSeconds * 200 && !ended; ++i) {
      ended = ::waitpid(pid_, nullptr, WNOHANG) == pid_;
      if (!ended) std::this_thread::sleep_for(kAskEvery);
    }
    if (!ended && ::kill(pid_, SIGKILL) == 0) ::waitpid(pid_, nullptr, 0);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::string Server::address_text() const {
  char host[NI_MAXHOST] = {};
  char port[NI_MAXSERV] = {};
  ::getnameinfo(address_.get(), address_.size, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
  const bool ipv6 = address_.get()->sa_family == AF_INET6;
  return (ipv6 ? "[" + std::string(host) + "]" : host) + ":" + port;
}

std::optional<std::uint64_t> Server::cpu_ns() const {
  if (pid_ == 0) return std::nullopt;
  std::optional<std::uint64_t> sum;
  std::error_code error;
  const std::filesystem::path tasks = "/proc/" + std::to_string(pid_) + "/task";
  for (std::filesystem::directory_iterator at(tasks, error), end; !error && at != end;
       at.increment(error)) {
    if (const auto ns = first_number(at->path().string() + "/schedstat")) {
      sum = sum.value_or(0) + *ns;
    }
  }
  return sum;
}

std::optional<std::uint64_t> Server::resident_exactly() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/smaps_rollup");
  for (std::string word; pid_ != 0 && file >> word;) {
    std::uint64_t kib = 0;
    if (word == "Rss:" && file >> kib) return kib * 1024;
  }
  return resident();
}

std::optional<std::uint64_t> Server::resident() const {
  if (pid_ == 0) return std::nullopt;
  const auto pages = first_number("/proc/" + std::to_string(pid_) + "/statm", 1);
  if (!pages) return std::nullopt;
  return *pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace crier::bench
