#include "cmd/daemon/worker/event_follower.h"

#include <algorithm>

namespace crier::cmd {

void EventFollower::follow(const EventToFollow& event, Done done) {
  followed_.push_back({.event = event,
                       .way = {.trace = event.trace, .taken_ns = now_ns_()},
                       .batches = stats_.batches.read(),
                       .done = std::move(done)});
  broadcaster_.watch(*this);
}

// A stream that resumes may get the event from the history before the batch is taken.
bool EventFollower::is_taken(const Followed& followed) const {
  return stats_.batches.read() != followed.batches;
}

void EventFollower::on_delivered(broadcast::StreamToken, const broadcast::Stream&, Frames frames) {
  for (Followed& followed : followed_) {
    const std::uint64_t sequence = followed.event.sequence;
    const auto sequence_of = [](const Frame* frame) { return frame->sequence(); };
    if (!is_taken(followed)) continue;
    if (!std::ranges::binary_search(frames, sequence, {}, sequence_of)) continue;
    FollowedEvent& way = followed.way;
    way.last_write_ns = now_ns_();
    if (way.streams++ == 0) way.first_write_ns = way.last_write_ns;
  }
}

// The batch may stay in the inbox for some turns, while the worker has enough to do.
bool EventFollower::is_over(Followed& followed) {
  if (!is_taken(followed)) {
    followed.way.taken_ns = now_ns_();
    return false;
  }
  return !broadcaster_.has_pending(followed.event.topic, followed.event.sequence);
}

void EventFollower::end_some() {
  std::erase_if(followed_, [this](Followed& followed) {
    if (!is_over(followed)) return false;
    followed.done(followed.way);
    return true;
  });
  if (followed_.empty()) broadcaster_.unwatch(*this);
}

}  // namespace crier::cmd
