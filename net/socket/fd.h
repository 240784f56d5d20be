// Owns a descriptor and closes it exactly once; -1: owns none.
//
// Belongs to one thread at a time, of those that share the table in which the descriptor was opened
// (see net/socket/descriptor_table.h).
#pragma once

#include <unistd.h>

#include <utility>

namespace crier::net {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }

  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }

  // Gives the descriptor away without closing it.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }

  // close() is never repeated: on Linux the number is free again even after EINTR.
  void reset(int fd = -1) {
    if (const int old = std::exchange(fd_, fd); old >= 0) ::close(old);
  }

 private:
  int fd_ = -1;
};

}  // namespace crier::net
