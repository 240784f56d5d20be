// A flat array that reserves its address space at once and takes memory only where an element is
// touched.
//
// The array never moves, so an index is as good as a pointer. Elements are all-zero bytes until
// they are written, and again after discard(). So T must be usable when zeroed and must not need a
// destructor.
//
// Not thread-safe, except for what T itself allows (atomics).
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <utility>

#include "core/check.h"

namespace crier {

inline constexpr std::size_t kPageBytes = 4096;

template <typename T>
class ReservedArray {
  static_assert(std::is_trivially_destructible_v<T>);

 public:
  ReservedArray() = default;

  // Throws std::bad_alloc when the kernel refuses the address space.
  explicit ReservedArray(std::size_t capacity) : capacity_(capacity) {
    if (capacity == 0) return;
    void* p = ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    // With huge pages, the first element of a table would cost 2 MB.
    ::madvise(p, bytes(), MADV_NOHUGEPAGE);
    data_ = static_cast<T*>(p);
  }
  ~ReservedArray() {
    if (data_ != nullptr) ::munmap(data_, bytes());
  }
  ReservedArray(ReservedArray&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), capacity_(std::exchange(other.capacity_, 0)) {}
  ReservedArray& operator=(ReservedArray&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }

  std::size_t capacity() const { return capacity_; }

  // Requires: i < capacity().
  T& operator[](std::size_t i) {
    CRIER_CHECK(i < capacity_);
    return data_[i];
  }
  const T& operator[](std::size_t i) const {
    CRIER_CHECK(i < capacity_);
    return data_[i];
  }

  // Gives the memory of the whole pages inside [first, first + count) back to the system. The
  // elements in these pages are zero afterwards.
  void discard(std::size_t first, std::size_t count) {
    CRIER_CHECK(first + count <= capacity_);
    const auto base = reinterpret_cast<std::uintptr_t>(data_);
    const std::uintptr_t from = (base + first * sizeof(T) + kPageBytes - 1) & ~(kPageBytes - 1);
    const std::uintptr_t to = (base + (first + count) * sizeof(T)) & ~(kPageBytes - 1);
    if (from < to) ::madvise(reinterpret_cast<void*>(from), to - from, MADV_DONTNEED);
  }

 private:
  std::size_t bytes() const { return (capacity_ * sizeof(T) + kPageBytes - 1) & ~(kPageBytes - 1); }

  T* data_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace crier
