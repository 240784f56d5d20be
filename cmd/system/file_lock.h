// A lock on a file that is there for nothing else, held for as long as the object lives.
//
// An open file description lock (fcntl(2)), not an flock(2): whoever can read a file can flock() it
// for himself alone, where this takes the right to write it; to share it, that to read it.
//
// The kernel gives it up with the process, however that ends. The file stays: to remove it would
// part those who hold it from those to come.
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

  FileLock() = default;  // Holds nothing.
  ~FileLock() { release(); }
  FileLock(FileLock&&) = default;
  FileLock& operator=(FileLock&& other) noexcept;

  // Makes the file, with that mode, where there is none; may block for `patience_ms`. An error:
  // others hold it still, Errc::address_in_use, or the file cannot be opened.
  [[nodiscard]] static Result<FileLock> take(const std::string& path, Kind kind, mode_t mode,
                                             unsigned patience_ms = 0);

  // At once, also where another descriptor table has a copy of the descriptor.
  void release();

 private:
  explicit FileLock(net::Fd fd) : fd_(std::move(fd)) {}

  net::Fd fd_;
};

}  // namespace crier::cmd
