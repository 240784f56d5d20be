// The memory limit of the control groups that this process is in, and what this process uses.
//
// Any thread; each call reads a few files. `root` is where /proc and /sys are: a test has its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace crier::cmd {

// Bytes that cannot be taken back by dropping the page cache. Nothing: the kernel does not say, or
// the file could not be read.
struct MemoryUse {
  std::optional<std::uint64_t> anonymous;  // Heap and stacks of this process.
  std::optional<std::uint64_t> sockets;    // The kernel's buffers of the group's sockets.
};

class MemoryGroup {
 public:
  // Looks at the process's own groups and those above them, of versions 1 and 2.
  explicit MemoryGroup(std::string root = "");

  // Returns the smallest limit in bytes, or 0 if there is none or it is unknown.
  std::uint64_t limit() const { return limit_; }
  // The kernel counts sockets for a group, not for a process: others in the same group count, too.
  MemoryUse use() const;

 private:
  void consider(const std::string& mount, std::string path, const char* limit_file);

  std::string root_;
  std::string sockets_file_;  // Of the process's own group; empty: it has none.
  std::string sockets_word_;  // Before the number in that file; empty: the number is all.
  std::uint64_t limit_ = 0;
};

}  // namespace crier::cmd
