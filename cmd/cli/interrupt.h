// Ctrl-C as the regular end of a command that runs until it is told to stop: exit code 0.
#pragma once

namespace crier::cmd {

// From now on SIGINT ends the process with kExitOk, at once, except while an Uninterrupted lives:
// then when that ends, or at a second SIGINT. Call it once, before other threads exist.
void exit_on_interrupt();

// Something that should not be torn: one event's output. One at a time.
class Uninterrupted {
 public:
  Uninterrupted();
  ~Uninterrupted();
  Uninterrupted(const Uninterrupted&) = delete;
  Uninterrupted& operator=(const Uninterrupted&) = delete;
};

}  // namespace crier::cmd
