// Makes Ctrl-C the regular end, with exit code 0, of a command that runs until it is stopped.
#pragma once

namespace crier::cmd {

// From now on SIGINT ends the process at once, with kExitOk. While an Uninterrupted lives, the
// process ends after it, or at a second SIGINT. Call it once, before other threads exist.
void exit_on_interrupt();

// Delays the end of the process during output that must not be cut, such as an event's. At most one
// may live at a time.
class Uninterrupted {
 public:
  Uninterrupted();
  ~Uninterrupted();
  Uninterrupted(const Uninterrupted&) = delete;
  Uninterrupted& operator=(const Uninterrupted&) = delete;
};

}  // namespace crier::cmd
