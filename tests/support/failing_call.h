// Makes a system call fail by a seccomp filter, without changes to the program that makes it.
//
// For errors that a test cannot cause otherwise. A filter cannot be removed. It applies to the
// calling thread, to threads that this one starts later and to programs that they execute, so a
// test uses a thread of its own or a child process.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

#include <array>
#include <thread>

namespace crier::tests {

struct FailingCall {
  long number = -1;       // SYS_…
  int error = 0;          // The errno it fails with.
  unsigned value = 0;     // Only calls with this argument value fail; 0: all calls.
  unsigned argument = 1;  // The argument's number, counted from 0.
  bool or_more = false;   // Calls with a larger value also fail.
};

// Returns false if the system has no filters. Safe between fork and exec.
inline bool make_fail(const FailingCall& call) {
  const auto fits =
      static_cast<unsigned short>(call.value == 0 || call.or_more ? BPF_JGE : BPF_JEQ);
  const auto argument = static_cast<unsigned>(offsetof(seccomp_data, args) +
                                              call.argument * sizeof(seccomp_data::args[0]));
  std::array<sock_filter, 6> steps = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call.number), 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument),
      BPF_JUMP(BPF_JMP | fits | BPF_K, call.value, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(call.error)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program = {.len = steps.size(), .filter = steps.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// Calls `act` in a thread for which the system call fails, and waits for it. Returns false and does
// nothing if the system has no filters.
template <typename Act>
bool while_failing(const FailingCall& call, Act&& act) {
  bool made = false;
  std::thread([&] {
    made = make_fail(call);
    if (made) act();
  }).join();
  return made;
}

}  // namespace crier::tests
