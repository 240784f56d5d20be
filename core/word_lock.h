// A lock in one word of a table whose memory begins as zero: 0 is unlocked. It is held while the
// object lives. A thread that finds it locked waits in the kernel.
//
// Any thread. For a few steps at a time, where threads seldom meet.
#pragma once

#include <atomic>
#include <cstdint>

namespace crier {

class WordLock {
 public:
  explicit WordLock(std::atomic<std::uint64_t>& word) : word_(word) {
    while (word_.exchange(1, std::memory_order_acquire) != 0) {
      word_.wait(1, std::memory_order_relaxed);
    }
  }
  ~WordLock() {
    word_.store(0, std::memory_order_release);
    word_.notify_one();
  }
  WordLock(const WordLock&) = delete;
  WordLock& operator=(const WordLock&) = delete;

 private:
  std::atomic<std::uint64_t>& word_;
};

}  // namespace crier
