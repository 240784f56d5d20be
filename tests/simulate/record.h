// All events published in a simulation, and the step at which the log evicted each.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "broadcast/log/log.h"

namespace crier::broadcast::simulate {

struct Published {
  std::string topic = {};  // Empty: there is no event with this sequence.
  std::string name = {};
  std::string data = {};
  std::uint64_t gone_at_step = 0;  // The step at which the history had lost it; 0: it is retained.
};

class Record {
 public:
  // `before`: no event has a sequence up to this one.
  explicit Record(std::uint64_t before) : before_(before) {}

  std::uint64_t before() const { return before_; }
  std::uint64_t head() const { return before_ + events_.size(); }
  // Requires, here and below: before() < sequence <= head().
  const Published& operator[](std::uint64_t sequence) const {
    return events_[sequence - before_ - 1];
  }
  bool retained(std::uint64_t sequence) const { return (*this)[sequence].gone_at_step == 0; }
  bool gone_by(std::uint64_t sequence, std::uint64_t step) const {
    const std::uint64_t gone = (*this)[sequence].gone_at_step;
    return gone != 0 && gone <= step;
  }
  // Whether the topic's newest event up to `position` closes it.
  bool closed_by(const std::string& topic, std::uint64_t position) const;
  // Whether a newer event of its topic was published. Requires: the sequence has an event.
  bool superseded(std::uint64_t sequence) const;
  // Whether the newest event of one of these topics comes after `after` and is gone.
  template <typename Of>
  bool newest_gone(std::uint64_t after, Of of) const {
    return std::ranges::any_of(topics_, [&](const auto& topic) {
      const std::uint64_t newest = topic.second.sequences.back();
      return of(topic.first) && newest > after && !retained(newest);
    });
  }
  // Retained events of a topic, oldest first.
  std::vector<std::uint64_t> retained_of(const std::string& topic) const;

  void add(Published event);
  // The next `count` sequences belong to no event.
  void skip(std::size_t count) { events_.insert(events_.end(), count, {.gone_at_step = 1}); }
  // Compares with what the log retains now.
  void look_at(const Log& log, Instant now, std::uint64_t step);

 private:
  struct Of {
    std::vector<std::uint64_t> sequences;
    std::size_t gone = 0;  // The number of its oldest events that are evicted.
  };
  const std::uint64_t before_;
  std::vector<Published> events_;
  std::map<std::string, Of> topics_;
};

}  // namespace crier::broadcast::simulate
