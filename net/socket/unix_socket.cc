#include "net/socket/unix_socket.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "core/check.h"
#include "net/socket/handed_in.h"
#include "net/socket/os_error.h"
#include "net/socket/socket_file.h"

namespace crier::net {

namespace {

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  CRIER_CHECK(path.size() < sizeof(address.sun_path));
  path.copy(address.sun_path, path.size());
  return address;
}

// Returns true if a process listens at a socket file whose lock is free: another program than crier
// may have made it.
bool answers(const std::string& path) {
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return true;  // Unknown, so the file must stay.
  const sockaddr_un address = address_of(path);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
         errno != ECONNREFUSED;
}

std::string holder_of(int lock_fd) {
  std::array<char, 16> text{};
  const ssize_t size = ::pread(lock_fd, text.data(), text.size(), 0);
  std::string_view pid(text.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  pid = pid.substr(0, pid.find_first_not_of("0123456789"));
  return pid.empty() ? "" : " (pid " + std::string(pid) + ")";
}

}  // namespace

Result<UnixListener> UnixListener::open(const UnixSocketOptions& options) {
  constexpr std::size_t kPathMax = sizeof(sockaddr_un{}.sun_path) - 1;
  if (options.path.empty() || options.path.ends_with('/')) {
    return fail(Errc::invalid_config, "\"" + options.path + "\" does not name a socket file");
  }
  if (options.path.size() > kPathMax) {
    return fail(Errc::invalid_config, "the socket path " + options.path + " has " +
                                          std::to_string(options.path.size()) +
                                          " bytes; the system allows " + std::to_string(kPathMax));
  }
  UnixListener listener;
  listener.path_ = options.path;
  auto step = prepare_socket_directory(options.path);
  if (step) step = listener.lock();
  if (step) step = listener.remove_stale();
  if (step) step = listener.bind_and_listen(options);
  if (!step) return std::unexpected(step.error());
  return listener;
}

Result<UnixListener> UnixListener::adopt(Fd socket, int backlog) {
  if (auto done = prepare_handed_in(socket.get()); !done) return std::unexpected(done.error());
  if (::listen(socket.get(), backlog) != 0) return os_failure("cannot listen again");
  UnixListener listener;
  listener.path_ = bound_path(socket.get());
  listener.fd_ = std::move(socket);
  return listener;
}

std::string bound_path(int fd) {
  sockaddr_un address{};
  socklen_t size = sizeof(address);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  return {address.sun_path, ::strnlen(address.sun_path, sizeof(address.sun_path))};
}

Result<void> UnixListener::lock() {
  const std::string lock_path = path_ + ".lock";
  const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  lock_fd_.reset(::open(lock_path.c_str(), flags, 0600));
  if (!lock_fd_) return os_failure("cannot open the lock file " + lock_path);
  if (::flock(lock_fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return os_failure("cannot lock " + lock_path);
    return fail(Errc::address_in_use, path_ + " belongs to another running process" +
                                          holder_of(lock_fd_.get()) +
                                          "; stop it or use another socket path");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  // Only for error messages; the lock holds without it.
  if (::ftruncate(lock_fd_.get(), 0) != 0 ||
      ::pwrite(lock_fd_.get(), pid.data(), pid.size(), 0) < 0) {
    return os_failure("cannot write to the lock file " + lock_path);
  }
  return {};
}

Result<void> UnixListener::remove_stale() const {
  struct stat info{};
  if (::lstat(path_.c_str(), &info) != 0) {
    if (errno == ENOENT) return {};
    return os_failure("cannot look at " + path_);
  }
  if (S_ISLNK(info.st_mode)) {
    return fail(Errc::invalid_config, path_ + " is a symbolic link; remove it");
  }
  if (!S_ISSOCK(info.st_mode)) {
    return fail(Errc::invalid_config, path_ + " exists and is not a socket; remove it");
  }
  if (answers(path_)) {
    return fail(Errc::address_in_use,
                path_ + " is in use by another program; stop it or use another socket path");
  }
  if (::unlink(path_.c_str()) != 0) return os_failure("cannot remove the stale socket " + path_);
  return {};
}

Result<void> UnixListener::bind_and_listen(const UnixSocketOptions& options) {
  fd_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd_) return os_failure("cannot create a Unix socket");
  // bind() gives the file the mode of the unbound socket. A changed umask would affect other
  // threads.
  if (::fchmod(fd_.get(), 0600) != 0) return os_failure("cannot set the mode of a Unix socket");
  const sockaddr_un address = address_of(path_);
  if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return os_failure("cannot create the socket " + path_);
  }
  struct stat info{};
  if (::lstat(path_.c_str(), &info) != 0) return os_failure("cannot look at " + path_);
  device_ = info.st_dev;
  inode_ = info.st_ino;
  if (const auto done = protect_socket_file(
          path_, {.mode = options.mode, .owner = options.owner, .group = options.group});
      !done) {
    return done;
  }
  if (::listen(fd_.get(), options.backlog) != 0) return os_failure("cannot listen at " + path_);
  return {};
}

UnixListener::UnixListener(UnixListener&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::move(other.fd_)),
      lock_fd_(std::move(other.lock_fd_)),
      device_(other.device_),
      inode_(std::exchange(other.inode_, 0)) {}

UnixListener& UnixListener::operator=(UnixListener&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(lock_fd_, other.lock_fd_);
  std::swap(device_, other.device_);
  std::swap(inode_, other.inode_);
  return *this;
}

void UnixListener::close() {
  struct stat info{};
  const bool made = inode_ != 0;
  if (made && ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ &&
      info.st_ino == inode_) {
    ::unlink(path_.c_str());
  }
  inode_ = 0;
  fd_.reset();
  lock_fd_.reset();  // Last, so that no other process has taken the path before.
}

}  // namespace crier::net
