// The rows of the configuration's `topics` list: which limits hold for a topic, and which policy
// and rate for a stream.
//
// Class 0 is the global values, 1 to 255 are the rows in their order. The first row whose pattern
// covers a subscription counts. History limits follow the topic; policy and rate follow the stream,
// fixed when it joins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/token_bucket.h"
#include "core/topic.h"
#include "core/topic_rows.h"

namespace crier::broadcast {

// Of one topic; each bound holds by itself. No value is special: 0 events or 0 bytes keep nothing.
struct HistoryLimits {
  std::uint32_t events_max = 1'000;
  // Of History::memory_of(); bounded in total by the log.
  std::uint64_t bytes_max = std::numeric_limits<std::uint64_t>::max();
  std::uint32_t age_seconds_max = 3'600;
};

struct TopicClass {
  std::string match;  // A valid pattern; ignored in class 0.
  HistoryLimits history;
  OverflowPolicy policy = OverflowPolicy::catch_up;
  TokenRate rate;
  bool subscribe = true;  // May streams subscribe to these topics?
};

using ClassIndex = std::uint8_t;
static_assert(kTopicRowsMax == std::numeric_limits<ClassIndex>::max());

// Immutable, so any thread may read it; a reload makes a new one.
class TopicClasses {
 public:
  // Requires: at most kTopicRowsMax rows, whose `match` are valid patterns.
  explicit TopicClasses(TopicClass global, std::vector<TopicClass> rows = {});

  std::size_t size() const { return classes_.size(); }
  const TopicClass& operator[](ClassIndex index) const;

  // Requires: a valid topic.
  ClassIndex of_topic(std::string_view topic) const;

  // The row all subscriptions fall into, or 0 when they fall into different ones.
  ClassIndex of_subscriptions(std::span<const Selector> subscriptions) const;

  // False when a pattern shares a topic with a row that forbids it, too, unless an earlier row
  // covers the pattern: `>` must not be the way around `{"match": "internal.>", "subscribe":
  // false}`.
  bool may_subscribe(const Selector& subscription) const;

 private:
  ClassIndex covering(const Selector& subscription) const;

  std::vector<TopicClass> classes_;
};

}  // namespace crier::broadcast
