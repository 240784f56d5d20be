// A lock on a file that exists only to be locked. The lock is held while the object lives.
//
// It is an open file description lock (fcntl(2)): an exclusive one needs the right to write the
// file, a shared one the right to read it. With flock(2) every user who can read the file could
// lock it exclusively.
//
// The kernel releases the lock when the process ends in any way. The file is never removed: a
// process that holds the old file's lock would not notice one that locks a new file. Belongs to one
// thread.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "core/result.h"
#include "net/socket/fd.h"

namespace crier::cmd {

class FileLock {
 public:
  enum class Kind : std::uint8_t { shared, exclusive };

  FileLock() = default;  // Holds no lock.
  ~FileLock() { release(); }
  FileLock(FileLock&&) = default;
  FileLock& operator=(FileLock&& other) noexcept;

  // Takes the lock, and waits for it at most `patience_ms`. Creates the file with `mode` if it is
  // missing. Errors: address_in_use if another process still holds the lock; os.
  [[nodiscard]] static Result<FileLock> take(const std::string& path, Kind kind, mode_t mode,
                                             unsigned patience_ms = 0);

  // Releases the lock at once, even if another descriptor table has a copy of the descriptor.
  void release();

  // The locked file, to read and to write small data in it; -1: holds no lock.
  int fd() const { return fd_.get(); }

 private:
  explicit FileLock(net::Fd fd) : fd_(std::move(fd)) {}

  net::Fd fd_;
};

}  // namespace crier::cmd
