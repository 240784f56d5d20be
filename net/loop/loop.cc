#include "net/loop/loop.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "core/check.h"
#include "core/out_of_memory.h"
#include "net/socket/os_error.h"

namespace crier::net {

namespace {

void check_is_closing(uv_handle_t* handle, void*) {
  if (uv_is_closing(handle) != 0) return;
  std::fprintf(stderr, "crier: bug: a %s handle outlives its loop\n",
               uv_handle_type_name(uv_handle_get_type(handle)));
  CRIER_CHECK(uv_is_closing(handle));
}

void* or_end(void* memory) {
  if (memory == nullptr) out_of_memory();
  return memory;
}

// libuv itself aborts without a word. It asks for no empty blocks.
int end_when_libuv_lacks_memory() {
  return uv_replace_allocator(
      [](std::size_t bytes) { return or_end(std::malloc(bytes)); },
      [](void* memory, std::size_t bytes) { return or_end(std::realloc(memory, bytes)); },
      [](std::size_t count, std::size_t bytes) { return or_end(std::calloc(count, bytes)); },
      std::free);
}

}  // namespace

Loop::Loop() {
  static const int replaced = end_when_libuv_lacks_memory();  // Before libuv allocates anything.
  CRIER_CHECK(replaced == 0);
  throw_unless_done(uv_loop_init(&loop_), "cannot make an event loop");
  loop_.data = this;
  CRIER_CHECK(turn_.open(this, [&](uv_prepare_t* h) { return uv_prepare_init(&loop_, h); }) == 0);
  CRIER_CHECK(awake_.open(this, [&](uv_idle_t* h) { return uv_idle_init(&loop_, h); }) == 0);
  // The end-of-turn hook alone does not keep run() going.
  uv_unref(reinterpret_cast<uv_handle_t*>(turn_.get()));
}

Loop::~Loop() {
  turn_.close();
  awake_.close();
  uv_walk(&loop_, check_is_closing, nullptr);
  // A loop, because a stop() without a later run() ends the first uv_run() at once.
  while (uv_run(&loop_, UV_RUN_DEFAULT) != 0) {
  }
  CRIER_CHECK(uv_loop_close(&loop_) == 0);
}

void Loop::run() {
  uv_run(&loop_, UV_RUN_DEFAULT);
  if (end_of_turn_) end_of_turn_();
}

void Loop::settle() {
  uv_run(&loop_, UV_RUN_NOWAIT);
}

void Loop::set_end_of_turn(std::function<void()> end_of_turn) {
  CRIER_CHECK(end_of_turn != nullptr);
  end_of_turn_ = std::move(end_of_turn);
  uv_prepare_start(turn_.get(),
                   [](uv_prepare_t* handle) { static_cast<Loop*>(handle->data)->end_turn(); });
}

void Loop::end_turn() {
  note_event();
  end_of_turn_();
  stats_.turns.observe((uv_hrtime() - turn_began_ns_) / 1'000);
  turn_began_ns_ = 0;
}

void Loop::keep_awake(bool awake) {
  // While an idle handle is active libuv polls without waiting. Its callback does nothing.
  if (awake) {
    uv_idle_start(awake_.get(), [](uv_idle_t*) {});
  } else {
    uv_idle_stop(awake_.get());
  }
}

}  // namespace crier::net
