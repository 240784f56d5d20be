#include "cmd/system/file_lock.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <chrono>
#include <thread>
#include <utility>

#include "net/socket/os_error.h"

namespace crier::cmd {
namespace {

constexpr unsigned kRetryMs = 10;

// Sets F_RDLCK, F_WRLCK or F_UNLCK on the whole file, without waiting.
bool set_lock(int fd, short type) {
  struct flock all{};
  all.l_type = type;
  all.l_whence = SEEK_SET;
  return ::fcntl(fd, F_OFD_SETLK, &all) == 0;
}

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
  const int flags =
      (kind == Kind::shared ? O_RDONLY : O_RDWR) | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  net::Fd fd(::open(path.c_str(), flags, mode));
  if (!fd) return net::os_failure("cannot open the lock file " + path);
  static_cast<void>(::fchmod(fd.get(), mode));  // Undoes the umask, if the file is this user's.
  const short type = kind == Kind::shared ? F_RDLCK : F_WRLCK;
  for (unsigned waited_ms = 0; !set_lock(fd.get(), type); waited_ms += kRetryMs) {
    if (errno != EAGAIN && errno != EACCES) return net::os_failure("cannot lock " + path);
    if (waited_ms >= patience_ms) {
      return fail(Errc::address_in_use, path + " is locked by another process");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kRetryMs));
  }
  return FileLock(std::move(fd));
}

void FileLock::release() {
  if (fd_) set_lock(fd_.get(), F_UNLCK);
  fd_.reset();
}

}  // namespace crier::cmd
