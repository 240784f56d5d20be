// The control group whose memory limit binds this process, and what counts towards that limit.
//
// Any thread; each call reads a few files. `root` is where /proc and /sys are: a test has its own.
#pragma once

#include <cstdint>
#include <string>

namespace crier::cmd {

// Bytes that cannot be taken back by dropping the page cache.
struct MemoryUse {
  std::uint64_t anonymous = 0;  // Heaps and stacks.
  std::uint64_t sockets = 0;    // The kernel's buffers of sockets.
};

class MemoryGroup {
 public:
  // Finds the group with the smallest limit among the process's own and those above it, of versions
  // 1 and 2.
  explicit MemoryGroup(std::string root = "");

  std::uint64_t limit() const { return limit_; }  // 0: none, or unknown.
  // What the group uses. Without a group that has a limit: the memory of this process alone, and
  // the TCP buffers of its network namespace.
  MemoryUse use() const;

 private:
  void consider(const std::string& mount, std::string path, const char* limit_file, bool version_2);

  std::string root_;
  std::string folder_;  // Of the group; empty: none has a limit.
  std::uint64_t limit_ = 0;
  bool version_2_ = false;
};

}  // namespace crier::cmd
