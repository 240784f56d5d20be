#include "core/out_of_memory.h"

#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <new>
#include <string_view>

#include "core/check.h"

namespace crier {
namespace {

constexpr std::string_view kLine =
    "crier: out of memory: the system refuses more; ending by SIGABRT. Lower limits.memory_max, or "
    "raise what the system allows (ulimit -v, vm.overcommit_memory)\n";

thread_local bool may_lack_memory = false;

void on_refused() {
  if (may_lack_memory) throw std::bad_alloc();
  out_of_memory();
}

}  // namespace

void out_of_memory() {
  pollfd output{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (::poll(&output, 1, 0) == 1 && (output.revents & POLLOUT) != 0) {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kLine.data(), kLine.size());
  }
  std::abort();
}

void end_when_out_of_memory() {
  std::set_new_handler(on_refused);
}

MayLackMemory::MayLackMemory() {
  CRIER_CHECK(!may_lack_memory);
  may_lack_memory = true;
}

MayLackMemory::~MayLackMemory() {
  may_lack_memory = false;
}

}  // namespace crier
