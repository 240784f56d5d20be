// A library for LD_PRELOAD that makes allocations of a process fail, from the N-th on so many.
//
// $CRIER_FAULTS_PLAN is a file of sizeof(Plan) bytes, shared with allocations.py, which fills it in
// before the start or while the process runs. Counts malloc, calloc, realloc, posix_memalign,
// aligned_alloc and operator new, of all threads and all libraries, from the sizes asked for.
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

// glibc's own; AddressSanitizer's where it is linked.
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);
[[gnu::weak]] void* __interceptor_malloc(std::size_t bytes);
[[gnu::weak]] void* __interceptor_calloc(std::size_t count, std::size_t bytes);
[[gnu::weak]] void* __interceptor_realloc(void* memory, std::size_t bytes);
[[gnu::weak]] void* __interceptor_memalign(std::size_t alignment, std::size_t bytes);
}

namespace {

constexpr std::size_t kCallersMax = 24;

struct Plan {                       // struct.Struct("=qqQQQQ24Q") in allocations.py.
  std::atomic<std::int64_t> until;  // Allocations to come, the first that fails among them.
  std::atomic<std::int64_t> fail;   // So many fail; 0: nothing is counted.
  std::uint64_t bytes_min;          // Only allocations of this size are counted.
  std::uint64_t bytes_max;
  std::atomic<std::uint64_t> failed;
  std::uint64_t failed_bytes;          // The size of the first,
  std::uint64_t callers[kCallersMax];  // and the addresses of the program that it came from.
};

Plan* plan = nullptr;

// Not at the first allocation: AddressSanitizer's comes before there is an environment.
[[gnu::constructor]] void open_plan() {
  const char* const path = std::getenv("CRIER_FAULTS_PLAN");
  const int fd = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* const shared = ::mmap(nullptr, sizeof(Plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (shared != MAP_FAILED) plan = static_cast<Plan*>(shared);
}

// Where the program is loaded.
std::uintptr_t program() {
  Dl_info found{};
  ::dladdr(reinterpret_cast<void*>(::getauxval(AT_PHDR)), &found);
  return reinterpret_cast<std::uintptr_t>(found.dli_fbase);
}

_Unwind_Reason_Code note_caller(_Unwind_Context* context, void* data) {
  auto& frames = *static_cast<std::size_t*>(data);
  if (frames >= kCallersMax) return _URC_END_OF_STACK;
  Dl_info found{};
  const auto address = static_cast<std::uintptr_t>(_Unwind_GetIP(context));
  ::dladdr(reinterpret_cast<void*>(address), &found);
  const auto base = reinterpret_cast<std::uintptr_t>(found.dli_fbase);
  if (base == program()) plan->callers[frames++] = address - base;
  return _URC_NO_REASON;
}

bool fails(std::size_t bytes) {
  if (plan == nullptr || plan->fail.load(std::memory_order_acquire) <= 0) return false;
  if (bytes < plan->bytes_min || bytes > plan->bytes_max) return false;
  if (plan->until.fetch_sub(1) > 1 || plan->fail.fetch_sub(1) <= 0) return false;
  if (plan->failed == 0) {
    plan->failed_bytes = bytes;
    std::size_t frames = 0;
    _Unwind_Backtrace(note_caller, &frames);
  }
  ++plan->failed;
  errno = ENOMEM;
  return true;
}

void* memory_for_new(std::size_t bytes) {
  for (;;) {
    if (void* const memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

void* aligned(std::size_t alignment, std::size_t bytes) {
  if (fails(bytes)) return nullptr;
  return __interceptor_memalign != nullptr ? __interceptor_memalign(alignment, bytes)
                                           : __libc_memalign(alignment, bytes);
}

}  // namespace

extern "C" {

void* malloc(std::size_t bytes) {
  if (fails(bytes)) return nullptr;
  return __interceptor_malloc != nullptr ? __interceptor_malloc(bytes) : __libc_malloc(bytes);
}

void* calloc(std::size_t count, std::size_t bytes) {
  if (fails(count * bytes)) return nullptr;
  return __interceptor_calloc != nullptr ? __interceptor_calloc(count, bytes)
                                         : __libc_calloc(count, bytes);
}

void* realloc(void* memory, std::size_t bytes) {
  if (bytes > 0 && fails(bytes)) return nullptr;
  return __interceptor_realloc != nullptr ? __interceptor_realloc(memory, bytes)
                                          : __libc_realloc(memory, bytes);
}

void* memalign(std::size_t alignment, std::size_t bytes) {
  return aligned(alignment, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  return aligned(alignment, bytes);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
  *memory = aligned(alignment, bytes);
  return *memory == nullptr ? ENOMEM : 0;
}

}  // extern "C"

// As libstdc++ has them; AddressSanitizer's would not come by malloc.
void* operator new(std::size_t bytes) {
  return memory_for_new(bytes);
}

void* operator new[](std::size_t bytes) {
  return memory_for_new(bytes);
}
