#include "tests/cmd/command_support.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cmd/log/log_line.h"
#include "core/check.h"

namespace crier::cmd {
namespace {

// The bytes up to the end of one request; nothing if the client closes first.
std::string read_request(int fd, const std::atomic<bool>& stopping) {
  std::string request;
  std::size_t wanted = std::string::npos;
  while (request.size() < wanted) {
    pollfd watched{fd, POLLIN, 0};
    if (::poll(&watched, 1, 20) == 0) {
      if (stopping) return "";
      continue;
    }
    char room[4096];
    const ssize_t got = ::recv(fd, room, sizeof(room), 0);
    if (got <= 0) return "";
    request.append(room, static_cast<std::size_t>(got));
    const std::size_t head_end = request.find("\r\n\r\n");
    if (head_end == std::string::npos) continue;
    wanted = head_end + 4;
    const std::size_t length = request.find("Content-Length: ");
    if (length < head_end) {
      std::size_t body = 0;
      std::from_chars(request.data() + length + 16, request.data() + head_end, body);
      wanted += body;
    }
  }
  return request;
}

int temporary_file(std::string_view content) {
  char name[] = "/tmp/crier-test-XXXXXX";
  const int fd = ::mkstemp(name);
  CRIER_CHECK(fd >= 0);
  ::unlink(name);
  CRIER_CHECK(::write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
  CRIER_CHECK(::lseek(fd, 0, SEEK_SET) == 0);
  return fd;
}

std::string content_of(int fd) {
  std::string content;
  char room[4096];
  CRIER_CHECK(::lseek(fd, 0, SEEK_SET) == 0);
  for (ssize_t got; (got = ::read(fd, room, sizeof(room))) > 0;) {
    content.append(room, static_cast<std::size_t>(got));
  }
  return content;
}

// Replaces a standard stream by another file as long as it exists.
class Redirected {
 public:
  Redirected(int stream, std::string_view content)
      : stream_(stream), saved_(::dup(stream)), file_(temporary_file(content)) {
    std::fflush(nullptr);
    CRIER_CHECK(::dup2(file_, stream_) == stream_);
  }
  ~Redirected() {
    std::fflush(nullptr);
    ::dup2(saved_, stream_);
    ::close(saved_);
    ::close(file_);
  }
  Redirected(const Redirected&) = delete;
  Redirected& operator=(const Redirected&) = delete;

  std::string content() const {
    std::fflush(nullptr);
    return content_of(file_);
  }

 private:
  int stream_;
  int saved_;
  int file_;
};

}  // namespace

ScriptedServer::ScriptedServer(bool tcp, std::vector<Answer> script) : script_(std::move(script)) {
  if (tcp) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof(address);
    CRIER_CHECK(::bind(listener_, generic, size) == 0);
    CRIER_CHECK(::getsockname(listener_, generic, &size) == 0);
    port_ = ntohs(address.sin_port);
  } else {
    char directory[] = "/tmp/crier-test-XXXXXX";
    CRIER_CHECK(::mkdtemp(directory) != nullptr);
    directory_ = directory;
    path_ = directory_ + "/publish.sock";
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    CRIER_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  }
  CRIER_CHECK(::listen(listener_, 8) == 0);
  thread_ = std::thread([this] { serve(); });
}

ScriptedServer::~ScriptedServer() {
  stopping_ = true;
  thread_.join();
  ::close(listener_);
  if (!path_.empty()) ::unlink(path_.c_str());
  if (!directory_.empty()) ::rmdir(directory_.c_str());
}

void ScriptedServer::serve() {
  while (!stopping_) {
    pollfd watched{listener_, POLLIN, 0};
    if (::poll(&watched, 1, 20) <= 0) continue;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    CRIER_CHECK(fd >= 0);
    ++connections_;
    while (serve_request(fd)) {
    }
    ::close(fd);
  }
}

bool ScriptedServer::serve_request(int fd) {
  std::string request = read_request(fd, stopping_);
  if (request.empty()) return false;
  Answer answer{"", true};
  {
    const std::scoped_lock lock(mutex_);
    if (requests_.size() < script_.size()) answer = script_[requests_.size()];
    requests_.push_back(std::move(request));
  }
  (void)::send(fd, answer.bytes.data(), answer.bytes.size(), MSG_NOSIGNAL);
  return !answer.then_close;
}

std::vector<std::string> ScriptedServer::requests() const {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

std::string http_answer(std::string_view status, std::string_view body, std::string_view fields) {
  return "HTTP/1.1 " + std::string(status) + "\r\n" + std::string(fields) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

Ran run_command(const std::vector<std::string_view>& words, std::string_view input) {
  const Invocation invocation = parse_arguments(words);
  if (invocation.then == Invocation::Then::misuse) return {kExitMisused, "", invocation.text};
  if (invocation.then == Invocation::Then::print) return {kExitOk, invocation.text, ""};
  const Redirected in(STDIN_FILENO, input);
  const Redirected out(STDOUT_FILENO, "");
  const Redirected err(STDERR_FILENO, "");
  Ran ran;
  ran.code = invocation.arguments->command().run(*invocation.arguments);
  ran.out = out.content();
  ran.err = err.content();
  return ran;
}

void RecordingSink::write(Level level, std::string_view message, std::span<const Field> fields) {
  lines.push_back(log_line(config::LogFormat::text, {}, level, message, fields));
}

}  // namespace crier::cmd
