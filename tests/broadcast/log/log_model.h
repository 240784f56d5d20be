// A naive model of the log: every event that ever was, with a mark on those that should be gone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/topic.h"
#include "tests/broadcast/log/log_support.h"

namespace crier::broadcast {

struct ModelEvent {
  std::uint64_t sequence;
  std::string topic;
  std::uint64_t bytes;
  Instant accepted;
  std::uint64_t eviction = 0;  // Counted from 1; 0: retained.
};

inline bool subscribed(const std::vector<Selector>& subscriptions, const std::string& topic) {
  return std::any_of(subscriptions.begin(), subscriptions.end(),
                     [&](const Selector& selector) { return matches(selector.text, topic); });
}

inline bool any_pattern(const std::vector<Selector>& subscriptions) {
  return std::any_of(subscriptions.begin(), subscriptions.end(),
                     [](const Selector& selector) { return selector.is_pattern(); });
}

struct Model {
  std::shared_ptr<const TopicClasses> classes;
  std::uint64_t bytes_max = 0;
  std::vector<ModelEvent> events;
  std::uint64_t evictions = 0;

  std::uint64_t head() const { return events.empty() ? 0 : events.back().sequence; }
  const HistoryLimits& limits(const std::string& topic) const {
    return (*classes)[classes->of_topic(topic)].history;
  }
  void evict(ModelEvent& event) { event.eviction = ++evictions; }

  // Returns the retained events of a topic, or of all topics ("").
  std::vector<ModelEvent*> retained(const std::string& topic = "") {
    std::vector<ModelEvent*> found;
    for (ModelEvent& event : events) {
      if (event.eviction == 0 && (topic.empty() || event.topic == topic)) found.push_back(&event);
    }
    return found;
  }
  // Returns true if the request's stream wants the event: with `newest_only` only the newest of its
  // topic, retained or not.
  bool wants(const ReplayRequest& request, const ModelEvent& event) const {
    if (!subscribed(request.subscriptions, event.topic)) return false;
    if (!request.newest_only) return true;
    const auto newest = std::find_if(events.rbegin(), events.rend(), [&](const ModelEvent& other) {
      return other.topic == event.topic;
    });
    return newest->sequence == event.sequence;
  }
  static std::uint64_t bytes_of(const std::vector<ModelEvent*>& some) {
    std::uint64_t bytes = 0;
    for (const ModelEvent* event : some) bytes += event->bytes;
    return bytes;
  }

  void append(const Frame& frame, Instant now) {
    const std::string topic(frame.topic());
    const std::uint64_t before = bytes_of(retained());
    const std::uint64_t own_before = bytes_of(retained(topic));
    events.push_back({frame.sequence(), topic, History::memory_of(frame), now});
    int share = 8;
    for (auto own = retained(topic); share > 0 && own.size() > limits(topic).events_max; --share) {
      evict(*own.front());
      own = retained(topic);
    }
    for (auto own = retained(topic); !own.empty(); own = retained(topic)) {
      const std::uint64_t bytes = bytes_of(own);
      if (bytes <= limits(topic).bytes_max || (bytes <= own_before && share-- == 0)) break;
      evict(*own.front());
    }
    keep_total(std::max(bytes_max, before));
  }
  void keep_total(std::uint64_t bytes) {
    for (auto all = retained(); bytes_of(all) > bytes; all = retained()) evict(*all.front());
  }
  void expire(Instant now) {
    keep_total(bytes_max);
    for (ModelEvent* event : retained()) {
      const std::uint64_t age = limits(event->topic).age_seconds_max * kSecond;
      if (event->accepted.us + age <= now.us) evict(*event);
    }
  }
};

}  // namespace crier::broadcast
