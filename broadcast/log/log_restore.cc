// What the log takes from a journal: at the start what the journal kept, later what it dropped.
#include <algorithm>

#include "broadcast/log/log.h"
#include "core/check.h"

namespace crier::broadcast {

void Log::restore(const Remembered& remembered) {
  CRIER_CHECK(head_ == 0);
  CRIER_CHECK(topics_.size() == 0);
  std::uint64_t lost_through = remembered.floor;
  for (const Remembered::Topic& topic : remembered.topics) {
    lost_through = std::max(lost_through, topic.evicted_through);
  }
  forgotten_.begin_restore(remembered, lost_through > 0 ? history_.lose_through(lost_through).number
                                                        : history_.count_loss());
  for (const Remembered::Topic& topic : remembered.topics) {
    if (topic.closing) {
      closed_.add(topic.hash, topic.closing);
    } else {
      closed_.remove(topic.hash);
    }
  }
}

void Log::restore(const FrameRef& frame) {
  const std::uint64_t hash = frame->topic_hash();
  const auto row = topics_.find(hash, frame->topic());
  const Evicted evicted = row ? topics_[*row].evicted : forgotten_.find(hash);
  if (frame->sequence() <= evicted.through) return;
  const Closing closing = closed_.find(hash);
  add(frame);
  // The event that closes the topic comes later, or is lost.
  if (closing.sequence > frame->sequence()) closed_.add(hash, closing);
}

void Log::end_restore(std::uint64_t head) {
  CRIER_CHECK(head >= head_);
  head_ = head;
  Evicted hole;
  if (hole_ > 0) hole = history_.lose_anywhere(hole_);
  for (TopicRow row = 0; hole_ > 0 && row < topics_.end(); ++row) {
    if (!topics_.listed(row)) continue;
    Topic& topic = topics_[row];
    topic.evicted.raise_to(hole);
    topic.complete = false;
    // A closing event that is lost is made again only for a topic that has lost all events.
    const Closing closing = closed_.find(topic.hash);
    while (topic.events > 0 && closing.sequence > history_.at(topic.newest).sequence) {
      evict(row, EvictionCause::journal);
    }
  }
  forgotten_.end_restore(hole, options_.forgotten_max);
  update_gauges();
}

void Log::drop_through(std::uint64_t sequence) {
  dropped_through_ = std::max(dropped_through_, sequence);
}

void Log::expire_dropped(std::size_t& budget) {
  for (; budget > 0 && history_.events() > 0; --budget) {
    if (history_.at(history_.front()).sequence > dropped_through_) return;
    evict(history_.oldest_topic(), EvictionCause::journal);
  }
}

}  // namespace crier::broadcast
