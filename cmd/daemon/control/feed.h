// Hands accepted events to every worker: one shared batch per turn. It never waits for a worker.
//
// A worker whose inbox is full lags, like a slow stream. The feed remembers the sequence up to
// which it fed that worker, and continues with the others. When the worker has room, the feed sends
// it the events from the history. If some are no longer retained, it sends the worker their topics,
// and the streams of those topics ask the log themselves.
//
// Belongs to the control loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "broadcast/log/batch.h"
#include "broadcast/log/log.h"
#include "cmd/daemon/control/batch_watchers.h"
#include "cmd/daemon/control/event_intake.h"
#include "cmd/daemon/control/publish_traces.h"
#include "cmd/daemon/link/worker_link.h"

namespace crier::cmd {

class Feed final : public Outgoing {
 public:
  // Workers read the head of the log in `log_head`. All arguments must outlive the feed.
  Feed(const broadcast::Log& log, std::atomic<std::uint64_t>& log_head,
       const std::vector<WorkerLink*>& links, PublishTraces& traces);

  // Publishes the new head at once. The frame leaves with its batch: with the next flush(), or, if
  // the batch is full, with the next frame. Workers are woken by flush(), and for every few full
  // batches before it, so that they write the events of a long request while control still reads
  // it.
  void publish(const FrameRef& frame) override;

  // For turns whose publishers have more to say: returns true if flush() should wait for their next
  // turn, so that one write to a stream takes the events of several. That is so until 4 ms after
  // the end of the first such turn.
  bool holds(Instant now);

  // Watchers get each batch that leaves, before the workers do.
  BatchWatchers& watchers() { return watchers_; }

  // Ends the turn: hands out the last batch, feeds lagging workers from the history, and wakes
  // every worker that has got a message since its last wake-up. Returns true if a lagging worker
  // has room and has to wait for the next turn.
  bool flush();

 private:
  struct Fed {
    WorkerLink* link = nullptr;
    std::uint64_t through = 0;  // All events up to this one were pushed to the worker.
    bool lagging = false;
  };

  void hand_out();  // Pushes the batch to every worker with room.
  void feed_from_history(Fed& fed, std::size_t& batches);

  const broadcast::Log& log_;
  std::atomic<std::uint64_t>& log_head_;
  PublishTraces& traces_;
  BatchWatchers watchers_;
  std::vector<Fed> workers_;
  broadcast::Batch batch_;
  std::uint64_t batch_bytes_ = 0;
  std::size_t handed_out_ = 0;  // Batches, since the last flush().
  Instant held_since_;          // When holds() was first called after the last flush(), or 0.
  std::size_t first_ = 0;       // The worker to feed from the history first; workers take turns.
};

}  // namespace crier::cmd
