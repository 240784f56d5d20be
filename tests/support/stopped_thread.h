// Stops one thread of a daemon, as if its processor were taken away.
#pragma once

#include <poll.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

namespace crier::tests {

// Stops a single thread of a child process, which no signal can do; the destructor lets it
// continue. The thread is stopped while it sleeps in its loop: elsewhere it may hold a lock of
// malloc, for which the others would wait. Belongs to the thread that made it.
class StoppedThread {
 public:
  explicit StoppedThread(pid_t thread) : thread_(thread) {
    seized_ = ::ptrace(PTRACE_SEIZE, thread_, nullptr, nullptr) == 0;
    while (seized_) {
      stopped_ = ::ptrace(PTRACE_INTERRUPT, thread_, nullptr, nullptr) == 0 &&
                 ::waitpid(thread_, nullptr, __WALL) == thread_;
      if (!stopped_ || sleeps_in_its_loop()) return;
      ::ptrace(PTRACE_CONT, thread_, nullptr, nullptr);
      ::poll(nullptr, 0, 1);
    }
  }
  ~StoppedThread() {
    if (seized_) ::ptrace(PTRACE_DETACH, thread_, nullptr, nullptr);
  }
  StoppedThread(const StoppedThread&) = delete;
  StoppedThread& operator=(const StoppedThread&) = delete;

  // False if the system does not allow its processes to be traced.
  bool stopped() const { return stopped_; }

 private:
  bool sleeps_in_its_loop() const {
    std::ifstream file("/proc/" + std::to_string(thread_) + "/syscall");
    long number = -1;
    // Without the file the place is unknown, so any place is accepted.
    return !(file >> number) || number == SYS_epoll_pwait || number == kEpollWait;
  }

  static constexpr long kEpollWait = 232;  // On x86-64; other architectures have epoll_pwait only.

  pid_t thread_;
  bool seized_ = false;
  bool stopped_ = false;
};

// Workers are the last threads the daemon starts.
inline pid_t last_thread(pid_t process) {
  pid_t last = 0;
  const std::string tasks = "/proc/" + std::to_string(process) + "/task";
  for (const auto& entry : std::filesystem::directory_iterator(tasks)) {
    last = std::max(last, static_cast<pid_t>(std::stoi(entry.path().filename().string())));
  }
  return last;
}

}  // namespace crier::tests
