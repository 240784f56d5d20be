// Told of what becomes of single streams, while an operator looks at some of them.
//
// Nearly always there is none, and each of these places costs a branch beside a system call. Told
// on the worker's thread, inside the call that caused it; it must not change streams.
#pragma once

#include <cstdint>
#include <span>

#include "broadcast/log/replay.h"
#include "broadcast/streams/stream.h"
#include "core/frame.h"

namespace crier::broadcast {

enum class StreamStep : std::uint8_t {
  fell_behind,   // Its socket took no more, or its tokens are used up: it is owed something.
  asks_history,  // It is fed from the history from here on: its ring was full, or its worker
                 // lagged.
  caught_up,
};

class StreamWatcher {
 public:
  virtual ~StreamWatcher() = default;
  // Before anything is written to it, and before what else is told of it.
  virtual void on_opened(StreamToken token, const Stream& stream, bool resumed) = 0;
  // The kernel has taken the whole of these events; stream.events_sent counts them already.
  virtual void on_delivered(StreamToken token, const Stream& stream, Frames frames) = 0;
  virtual void on_step(StreamToken token, const Stream& stream, StreamStep step) = 0;
  // It is told that it lost events.
  virtual void on_gap(StreamToken token, const Stream& stream, const Gap& gap) = 0;
};

}  // namespace crier::broadcast
