// Hands what the log accepts to every worker: once per turn, one shared batch, nobody waits for
// anybody.
//
// A worker whose inbox is full is itself a slow stream. The feed notes up to where it was fed,
// stops feeding it and goes on; once it has room it is fed from the history. Where the history has
// moved on, it is told of which topics, and their streams ask the log themselves.
//
// Belongs to the control loop.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "broadcast/log/batch.h"
#include "broadcast/log/log.h"
#include "cmd/daemon/control/event_intake.h"
#include "cmd/daemon/link/worker_link.h"

namespace crier::cmd {

class Feed final : public Outgoing {
 public:
  // `log_head` is what workers read; all outlive the feed.
  Feed(const broadcast::Log& log, std::atomic<std::uint64_t>& log_head,
       const std::vector<WorkerLink*>& links);

  // Publishes the new head at once. The frame leaves with its batch: at the end of the turn, or as
  // soon as the batch is full. Workers are woken at the end of the turn, and for every few full
  // batches before it, so that they write the events of a long request while control still reads
  // it.
  void publish(const FrameRef& frame) override;

  // The end of the turn: hands out the last batch, feeds lagging workers from the history, and
  // wakes the workers that were sent something since they were woken last. True: a worker could be
  // fed more, but not in this turn.
  bool flush();

 private:
  struct Fed {
    WorkerLink* link = nullptr;
    std::uint64_t through = 0;  // Everything up to here is in the inbox or beyond it.
    bool lagging = false;
  };

  void hand_out();  // The batch, to every worker that has room for it.
  void feed_from_history(Fed& fed, std::size_t& batches);

  const broadcast::Log& log_;
  std::atomic<std::uint64_t>& log_head_;
  std::vector<Fed> workers_;
  broadcast::Batch batch_;
  std::uint64_t batch_bytes_ = 0;
  std::size_t handed_out_ = 0;  // Batches, in this turn.
  std::size_t first_ = 0;  // Who is fed from the history first: each worker in its turn.
};

}  // namespace crier::cmd
