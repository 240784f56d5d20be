// A libuv handle on the heap, closed in the two steps that libuv requires.
//
// Step one is close() or the destructor: after it the handle makes no more calls. Step two is
// libuv's close callback, a turn of the loop later, which frees the memory. An owner may therefore
// be destroyed at any time, even inside its own callback, as long as its Loop outlives it.
//
// Belongs to its loop's thread; after that thread was joined, to the thread that joined it.
#pragma once

#include <uv.h>

#include <utility>

#include "core/check.h"

namespace crier::net {

template <typename T>
class Handle {
 public:
  Handle() = default;
  ~Handle() { close(); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  // Creates the handle with `init(T*)` and returns libuv's status, which is negative on failure;
  // the handle is not open then. `owner` becomes its data pointer. Requires: not open.
  template <typename Init>
  [[nodiscard]] int open(void* owner, Init&& init) {
    CRIER_CHECK(handle_ == nullptr);
    T* handle = new T{};
    const int status = std::forward<Init>(init)(handle);
    if (status < 0) {
      delete handle;
      return status;
    }
    handle->data = owner;
    handle_ = handle;
    return status;
  }

  // Idempotent.
  void close() {
    if (handle_ == nullptr) return;
    handle_->data = nullptr;
    uv_close(reinterpret_cast<uv_handle_t*>(std::exchange(handle_, nullptr)),
             [](uv_handle_t* handle) { delete reinterpret_cast<T*>(handle); });
  }

  bool is_open() const { return handle_ != nullptr; }

  // Requires: open.
  T* get() const {
    CRIER_CHECK(handle_ != nullptr);
    return handle_;
  }

 private:
  T* handle_ = nullptr;
};

}  // namespace crier::net
