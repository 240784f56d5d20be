// Is told what happens to single streams while an operator watches some of them, or while an event
// is followed.
//
// Usually there is no watcher; each call then costs one branch, next to a system call. A watcher is
// called on the worker's thread, within the call that causes the event, and must not change
// streams.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "broadcast/log/replay.h"
#include "broadcast/streams/stream.h"
#include "core/frame.h"

namespace crier::broadcast {

enum class StreamStep : std::uint8_t {
  fell_behind,   // Its socket took no more, or its tokens are used up: it is owed something.
  asks_history,  // Continues from the history: its ring was full, or its worker lagged.
  caught_up,     // Is live again.
};

class StreamWatcher {
 public:
  virtual ~StreamWatcher() = default;
  // Called before anything is written to the stream, and before all other calls for it.
  virtual void on_opened(StreamToken token, const Stream& stream, bool resumed) = 0;
  // The kernel has taken these events whole; stream.events_sent already counts them.
  virtual void on_delivered(StreamToken token, const Stream& stream, Frames frames) = 0;
  virtual void on_step(StreamToken token, const Stream& stream, StreamStep step) = 0;
  // The stream is told that it lost events.
  virtual void on_gap(StreamToken token, const Stream& stream, const Gap& gap) = 0;
};

// Several watchers, each of which is told everything.
class StreamWatchers final : public StreamWatcher {
 public:
  bool empty() const { return watchers_.empty(); }
  // Adding one that is there, and removing one that is not, do nothing.
  void add(StreamWatcher& watcher) {
    if (std::ranges::find(watchers_, &watcher) == watchers_.end()) watchers_.push_back(&watcher);
  }
  void remove(StreamWatcher& watcher) { std::erase(watchers_, &watcher); }

  void on_opened(StreamToken token, const Stream& stream, bool resumed) override {
    for (StreamWatcher* watcher : watchers_) watcher->on_opened(token, stream, resumed);
  }
  void on_delivered(StreamToken token, const Stream& stream, Frames frames) override {
    for (StreamWatcher* watcher : watchers_) watcher->on_delivered(token, stream, frames);
  }
  void on_step(StreamToken token, const Stream& stream, StreamStep step) override {
    for (StreamWatcher* watcher : watchers_) watcher->on_step(token, stream, step);
  }
  void on_gap(StreamToken token, const Stream& stream, const Gap& gap) override {
    for (StreamWatcher* watcher : watchers_) watcher->on_gap(token, stream, gap);
  }

 private:
  std::vector<StreamWatcher*> watchers_;
};

}  // namespace crier::broadcast
