// The rows of the configuration's `topics` list. They set the history limits of topics, the
// overflow policy and rate of streams, and how many streams a row may have.
//
// Class 0 has the global values; classes 1 to 255 are the rows in their order. The first row whose
// pattern covers a subscription counts. History limits follow the topic. Policy and rate follow the
// stream and are fixed when it joins. A stream counts in each row that covers one of its
// subscriptions, once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/cost_bucket.h"
#include "core/token_bucket.h"
#include "core/topic.h"
#include "core/topic_rows.h"

namespace crier::broadcast {

// Limits of one topic's history; each bound holds by itself. No value is special: 0 events or 0
// bytes retain nothing.
struct HistoryLimits {
  std::uint32_t events_max = 1'000;
  // Counted by History::memory_of(). The log also bounds the bytes of all topics together.
  std::uint64_t bytes_max = std::numeric_limits<std::uint64_t>::max();
  std::uint32_t age_seconds_max = 3'600;
};

struct TopicClass {
  std::string match;  // A valid pattern; ignored in class 0.
  HistoryLimits history;
  OverflowPolicy policy = OverflowPolicy::catch_up;
  TokenRate rate;
  CostRate bytes_rate;    // Bytes on the wire.
  bool subscribe = true;  // Whether streams may subscribe to these topics.
  // Streams of all workers that count in this row; 0: no cap. Ignored in class 0.
  std::uint32_t streams_max = 0;
};

using ClassIndex = std::uint8_t;
static_assert(kTopicRowsMax == std::numeric_limits<ClassIndex>::max());

// Immutable, so any thread may read it. A reload makes a new one.
class TopicClasses {
 public:
  // Requires: at most kTopicRowsMax rows, whose `match` are valid patterns.
  explicit TopicClasses(TopicClass global, std::vector<TopicClass> rows = {});

  std::size_t size() const { return classes_.size(); }
  const TopicClass& operator[](ClassIndex index) const;

  // Returns the first row that matches, or 0. Requires: a valid topic.
  ClassIndex of_topic(std::string_view topic) const;

  // Returns the row that covers every subscription, or 0 if different rows cover them.
  ClassIndex of_subscriptions(std::span<const Selector> subscriptions) const;

  // Returns the rows with a streams_max in which a stream with these subscriptions counts.
  std::vector<ClassIndex> capped_rows(std::span<const Selector> subscriptions) const;
  // Returns true if any row has a streams_max.
  bool cap_streams() const { return cap_streams_; }

  // Returns true if a stream may have this subscription. A pattern that shares a topic with a row
  // that forbids it is refused, too, unless an earlier row covers the pattern. So `>` cannot get
  // around `{"match": "internal.>", "subscribe": false}`.
  bool may_subscribe(const Selector& subscription) const;

 private:
  ClassIndex covering(const Selector& subscription) const;

  std::vector<TopicClass> classes_;
  bool cap_streams_ = false;
};

}  // namespace crier::broadcast
