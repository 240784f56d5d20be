// The topics that the streams of a group subscribe to, and the topic and streams of each event.
//
// A topic with a '%' is a stream's own: the stream's number stands in for the '%'. The other topics
// are shared by all streams of the group. An event of the group is for all of its streams, on the
// shared topics in turn; a group without shared topics publishes it once on each stream's own
// topic. In a mix (all_every > 1) only every all_every-th event is for all; each event between
// those is for one stream, on its own topic, and the streams take turns.
//
// The number of an event therefore says which streams are owed it, whatever topic it came on: a
// stream finds what is lost, repeated or out of order across its topics. Immutable once made.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"

namespace crier::bench {

inline constexpr std::uint32_t kTopicsPerStreamMax = 15;

class TopicPlan {
 public:
  // A topic to publish an event on, with the mark of it: Mark::topic.
  struct Place {
    std::string topic;
    std::uint32_t mark = 0;
  };

  // `list` is topics joined by ','. Fails unless it holds valid topics, at most one own topic, 1 to
  // kTopicsPerStreamMax topics in all, and both kinds where all_every > 1.
  [[nodiscard]] static Result<TopicPlan> make(const std::string& list, std::uint32_t streams,
                                              std::uint32_t all_every);

  bool has_own() const { return !own_.empty(); }
  bool mixed() const { return all_every_ > 1; }

  // What takes the place of a request's topic: `user.7&topic=all`.
  std::string subscription(std::uint32_t stream) const;

  bool for_all(std::uint32_t event) const { return event % all_every_ == 0; }
  std::vector<Place> places(std::uint32_t event) const;

  // Whether `stream` subscribes to the topic of this mark.
  bool subscribes(std::uint32_t stream, std::uint32_t mark) const;

  // The number of events that `stream` is owed of those above `after` and up to `through`.
  // Requires: after <= through.
  std::uint32_t owed(std::uint32_t stream, std::uint32_t after, std::uint32_t through) const;

 private:
  TopicPlan() = default;
  // The number of events for one stream among events 1 to `event`.
  std::uint32_t for_one(std::uint32_t event) const { return event - event / all_every_; }
  std::string own_topic(std::uint32_t stream) const;

  std::vector<std::string> topics_;  // As subscribed to, the own topic with its '%'.
  std::vector<std::string> shared_;
  std::string own_;  // Empty: streams have no topic of their own.
  std::uint32_t streams_ = 1;
  std::uint32_t all_every_ = 1;
};

}  // namespace crier::bench
