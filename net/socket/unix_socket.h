// The listening Unix socket for publishers, or of the admin endpoint, and the lock on its path.
//
// A lock on `<path>.lock` decides which process owns the path. The owner may replace a socket file
// that a dead process has left. Another process gets an error that names the owner. The lock file
// is never removed: otherwise two processes could lock two files of the same name.
//
// The file never has more rights than asked for: it is bound with mode 0600, gets its owner, then
// its mode, and only then listens. socket_file.h has the rules for its directory.
//
// Belongs to one thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "core/result.h"
#include "net/socket/fd.h"

namespace crier::net {

struct UnixSocketOptions {
  std::string path;
  mode_t mode = 0600;
  std::optional<uid_t> owner;  // Nothing: this process's, as for `group`.
  std::optional<gid_t> group;
  int backlog = 511;
};

class UnixListener {
 public:
  // Opens a socket that listens, non-blocking and close-on-exec.
  //
  // Makes the directory if only its last component is missing.
  //
  // Errors: address_in_use (a live process has it), invalid_config (too long for sun_path, no
  // directory or one in which other users could replace the socket, a symbolic link or something
  // that is not a socket in its place), os (the kernel refused; says why).
  [[nodiscard]] static Result<UnixListener> open(const UnixSocketOptions& options);

  // Takes over a bound Unix stream socket that a service manager has opened. The file, its owner
  // and mode are left to the service manager. Errors: os.
  [[nodiscard]] static Result<UnixListener> adopt(Fd socket, int backlog = 511);

  ~UnixListener() { close(); }
  UnixListener(UnixListener&& other) noexcept;
  UnixListener& operator=(UnixListener&& other) noexcept;

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }

  // Removes the file if it is the one that open() made, and gives up the lock. May be called again.
  // Requires: nothing watches fd() any more.
  void close();

 private:
  UnixListener() = default;
  Result<void> lock();
  Result<void> remove_stale() const;
  Result<void> bind_and_listen(const UnixSocketOptions& options);

  std::string path_;
  Fd fd_;
  Fd lock_fd_;
  dev_t device_ = 0;  // open()'s file: another file may have its path by now.
  ino_t inode_ = 0;
};

// The path a Unix socket is bound to; empty if it has none.
std::string bound_path(int fd);

}  // namespace crier::net
