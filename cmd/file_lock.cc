#include "cmd/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <chrono>
#include <thread>
#include <utility>

#include "net/os_error.h"

namespace crier::cmd {
namespace {

constexpr unsigned kLookMs = 10;

}  // namespace

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  if (this != &other) {
    release();
    fd_ = std::move(other.fd_);
  }
  return *this;
}

Result<FileLock> FileLock::take(const std::string& path, Kind kind, mode_t mode,
                                unsigned patience_ms) {
  const int flags = O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  net::Fd fd(::open(path.c_str(), flags, mode));
  if (!fd) return net::os_failure("cannot open the lock file " + path);
  static_cast<void>(::fchmod(fd.get(), mode));  // Whatever the umask is; whose it is not cannot.
  const int operation = (kind == Kind::shared ? LOCK_SH : LOCK_EX) | LOCK_NB;
  for (unsigned waited_ms = 0; ::flock(fd.get(), operation) != 0; waited_ms += kLookMs) {
    if (errno != EWOULDBLOCK) return net::os_failure("cannot lock " + path);
    if (waited_ms >= patience_ms) {
      return fail(Errc::address_in_use, path + " is locked by another process");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kLookMs));
  }
  return FileLock(std::move(fd));
}

void FileLock::release() {
  if (fd_) ::flock(fd_.get(), LOCK_UN);
  fd_.reset();
}

}  // namespace crier::cmd
