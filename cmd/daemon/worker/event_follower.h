// Follows chosen events through a worker's fan-out, for /debug/trace: see followed_event.h.
//
// It watches the broadcaster only while an event is followed, so without one nothing is measured.
// Belongs to one worker.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "broadcast/streams/broadcaster.h"
#include "broadcast/streams/stats.h"
#include "broadcast/streams/stream_watcher.h"
#include "cmd/daemon/link/followed_event.h"

namespace crier::cmd {

class EventFollower final : public broadcast::StreamWatcher {
 public:
  using Done = std::function<void(const FollowedEvent&)>;

  // All must outlive it. `now_ns` reads the clock.
  EventFollower(broadcast::Broadcaster& broadcaster, const broadcast::WorkerStats& stats,
                std::function<std::uint64_t()> now_ns)
      : broadcaster_(broadcaster), stats_(stats), now_ns_(std::move(now_ns)) {}
  ~EventFollower() override { broadcaster_.unwatch(*this); }

  // Requires: the next batch that the broadcaster takes has the event.
  void follow(const EventToFollow& event, Done done);
  // Ends a turn: answers for each event that is offered to all of its streams.
  void finish_turn() {
    if (!followed_.empty()) end_some();
  }

  void on_opened(broadcast::StreamToken, const broadcast::Stream&, bool) override {}
  void on_delivered(broadcast::StreamToken token, const broadcast::Stream& stream,
                    Frames frames) override;
  void on_step(broadcast::StreamToken, const broadcast::Stream&, broadcast::StreamStep) override {}
  void on_gap(broadcast::StreamToken, const broadcast::Stream&, const broadcast::Gap&) override {}

 private:
  struct Followed {
    EventToFollow event;
    FollowedEvent way;
    std::uint64_t batches;  // Taken before the batch with the event.
    Done done;
  };
  void end_some();
  bool is_taken(const Followed& followed) const;
  bool is_over(Followed& followed);

  broadcast::Broadcaster& broadcaster_;
  const broadcast::WorkerStats& stats_;
  std::function<std::uint64_t()> now_ns_;
  std::vector<Followed> followed_;
};

}  // namespace crier::cmd
