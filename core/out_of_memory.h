// What happens when the system refuses memory: the process ends, with a line that says so.
//
// A std::bad_alloc could leave an update half made, and may not be thrown through libuv's C code.
// So operator new does not throw: it ends the process by SIGABRT before its caller can go on, and
// the service manager starts it again. What clients can make crier keep is bounded long before by
// the stages of memory_pressure.h.
//
// An allocation whose failure has an answer is made while a MayLackMemory exists, and then throws.
// Any thread.
#pragma once

namespace crier {

// Writes the line to stderr and aborts. It allocates nothing and waits for no reader.
[[noreturn]] void out_of_memory();

// From now on operator new calls out_of_memory() instead of throwing. For main().
void end_when_out_of_memory();

// While one exists, operator new throws std::bad_alloc in this thread. At most one a thread.
class MayLackMemory {
 public:
  MayLackMemory();
  ~MayLackMemory();
  MayLackMemory(const MayLackMemory&) = delete;
  MayLackMemory& operator=(const MayLackMemory&) = delete;
};

}  // namespace crier
