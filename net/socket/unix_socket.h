// The socket file through which publishers reach us, and the right to it.
//
// A lock on `<path>.lock` decides who owns the path. Whoever holds it may replace the socket file a
// dead process left behind; whoever does not is told which process has it. The lock file stays when
// we go: removing it would let two processes lock two files of the same name.
//
// The file is never reachable with more rights than asked for: it is bound as 0600, given its
// owner, then its mode, and only then listens. socket_file.h has the rules for its directory.
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
  std::optional<uid_t> owner;  // Default: ours.
  std::optional<gid_t> group;
  int backlog = 511;
};

class UnixListener {
 public:
  // Listens, non-blocking and close-on-exec.
  //
  // Makes the directory if only its last component is missing.
  //
  // Errors: address_in_use (a live process has it), invalid_config (too long for sun_path, no
  // directory or one in which other users could replace the socket, a symbolic link or something
  // that is not a socket in its place), os (the kernel refused; says why).
  [[nodiscard]] static Result<UnixListener> open(const UnixSocketOptions& options);

  // Of a bound Unix stream socket that was handed in (by a service manager), whose file, owner and
  // mode are somebody else's business. Errors: os.
  [[nodiscard]] static Result<UnixListener> adopt(Fd socket, int backlog = 511);

  ~UnixListener() { close(); }
  UnixListener(UnixListener&& other) noexcept;
  UnixListener& operator=(UnixListener&& other) noexcept;

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }

  // Removes the file if it is still the one we made, and lets go of the path. Idempotent. Whatever
  // watches fd() must have stopped before.
  void close();

 private:
  UnixListener() = default;
  Result<void> lock();
  Result<void> remove_stale() const;
  Result<void> bind_and_listen(const UnixSocketOptions& options);

  std::string path_;
  Fd fd_;
  Fd lock_fd_;
  dev_t device_ = 0;  // Of the file we made: it may have been replaced when we come to remove it.
  ino_t inode_ = 0;
};

// The path a Unix socket is bound to; empty if it has none.
std::string bound_path(int fd);

}  // namespace crier::net
