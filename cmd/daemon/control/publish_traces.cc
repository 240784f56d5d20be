#include "cmd/daemon/control/publish_traces.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/check.h"

namespace crier::cmd {

std::uint64_t PublishTraces::choose() {
  left_ = every_;
  const bool oldest_is_open = traces_.size() == kKept && traces_.front().awaited > 0;
  return open_ < kFollowedMax && !oldest_is_open ? now_ns_() : 0;
}

void PublishTraces::add(PublishTrace trace) {
  // An asynchronous journal may commit more than were open when they were chosen.
  if (open_ >= kFollowedMax || (traces_.size() == kKept && traces_.front().awaited > 0)) return;
  if (traces_.size() == kKept) {
    traces_.pop_front();
    ++first_;
  }
  const auto age = std::chrono::nanoseconds(now_ns_() - trace.accepted_ns);
  const std::chrono::duration<double> accepted =
      std::chrono::system_clock::now().time_since_epoch() - age;
  trace.unix_seconds = accepted.count();
  traces_.push_back(std::move(trace));
  ++open_;
  ++waiting_;
}

bool PublishTraces::begin(std::uint64_t last_sequence) {
  CRIER_CHECK(leaving_.empty());
  while (waiting_ > 0) {
    const std::size_t index = traces_.size() - waiting_;
    if (traces_[index].sequence > last_sequence) break;
    leaving_.push_back(first_ + index);
    --waiting_;
  }
  return !leaving_.empty();
}

// One task for all of them: the inbox keeps room for a few.
void PublishTraces::hand_to(std::size_t worker, WorkerLink& link) {
  std::vector<EventToFollow> events;
  for (const std::uint64_t number : leaving_) {
    PublishTrace& trace = traces_[number - first_];
    trace.workers.push_back({.worker = worker, .handed_ns = now_ns_()});
    ++trace.awaited;
    events.push_back({number, trace.sequence, trace.topic});
  }
  link.post([this, worker, &link, events = std::move(events)](WorkerPages& pages) {
    for (const EventToFollow& event : events) {
      pages.follow(event, [this, worker, &link](const FollowedEvent& way) {
        link.reply([this, worker, way] { answered(worker, way); });
      });
    }
  });
}

void PublishTraces::end_batch() {
  for (const std::uint64_t number : leaving_) settle(traces_[number - first_]);
  leaving_.clear();
}

void PublishTraces::answered(std::size_t worker, const FollowedEvent& way) {
  PublishTrace& trace = traces_[way.trace - first_];
  const auto row = std::ranges::find(trace.workers, worker, &PublishTrace::Worker::worker);
  CRIER_CHECK(row != trace.workers.end());
  row->way = way;
  settle(trace);
}

void PublishTraces::settle(PublishTrace& trace) {
  CRIER_CHECK(trace.awaited > 0);
  if (--trace.awaited == 0) --open_;
}

}  // namespace crier::cmd
