#include "cmd/cli/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include "cmd/cli/arguments.h"
#include "core/check.h"

namespace crier::cmd {
namespace {

// The only types that a signal handler may touch: C++ [support.signal].
volatile sig_atomic_t g_busy = 0;
volatile sig_atomic_t g_interrupted = 0;

void on_interrupt(int) {
  if (g_busy == 0 || g_interrupted != 0) ::_exit(kExitOk);
  g_interrupted = 1;
}

}  // namespace

void exit_on_interrupt() {
  struct sigaction action{};
  action.sa_handler = &on_interrupt;
  action.sa_flags = SA_RESTART;
  CRIER_CHECK(::sigaction(SIGINT, &action, nullptr) == 0);
}

Uninterrupted::Uninterrupted() {
  CRIER_CHECK(g_busy == 0);
  g_busy = 1;
}

Uninterrupted::~Uninterrupted() {
  g_busy = 0;
  if (g_interrupted != 0) ::_exit(kExitOk);
}

}  // namespace crier::cmd
