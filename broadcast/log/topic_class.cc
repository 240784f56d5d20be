#include "broadcast/log/topic_class.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/check.h"
#include "core/topic.h"

namespace crier::broadcast {

TopicClasses::TopicClasses(TopicClass global, std::vector<TopicClass> rows) {
  CRIER_CHECK(rows.size() <= kTopicRowsMax);
  for (const TopicClass& row : rows) {
    CRIER_CHECK(valid_pattern(row.match));
    cap_streams_ = cap_streams_ || row.streams_max > 0;
  }
  classes_.reserve(1 + rows.size());
  classes_.push_back(std::move(global));
  std::move(rows.begin(), rows.end(), std::back_inserter(classes_));
}

const TopicClass& TopicClasses::operator[](ClassIndex index) const {
  CRIER_CHECK(index < classes_.size());
  return classes_[index];
}

ClassIndex TopicClasses::of_topic(std::string_view topic) const {
  for (std::size_t i = 1; i < classes_.size(); ++i) {
    if (matches(classes_[i].match, topic)) return static_cast<ClassIndex>(i);
  }
  return 0;
}

ClassIndex TopicClasses::covering(const Selector& subscription) const {
  for (std::size_t i = 1; i < classes_.size(); ++i) {
    if (covers(classes_[i].match, subscription.text)) return static_cast<ClassIndex>(i);
  }
  return 0;
}

ClassIndex TopicClasses::of_subscriptions(std::span<const Selector> subscriptions) const {
  if (subscriptions.empty()) return 0;
  const ClassIndex first = covering(subscriptions.front());
  for (const Selector& subscription : subscriptions.subspan(1)) {
    if (covering(subscription) != first) return 0;
  }
  return first;
}

std::vector<ClassIndex> TopicClasses::capped_rows(std::span<const Selector> subscriptions) const {
  std::vector<ClassIndex> rows;
  if (!cap_streams_) return rows;
  for (const Selector& subscription : subscriptions) {
    const ClassIndex row = covering(subscription);
    if (row == 0 || classes_[row].streams_max == 0) continue;
    if (std::ranges::find(rows, row) == rows.end()) rows.push_back(row);
  }
  return rows;
}

bool TopicClasses::may_subscribe(const Selector& subscription) const {
  for (std::size_t i = 1; i < classes_.size(); ++i) {
    const TopicClass& row = classes_[i];
    if (covers(row.match, subscription.text)) return row.subscribe;
    if (!row.subscribe && overlap(row.match, subscription.text)) return false;
  }
  return classes_.front().subscribe;
}

}  // namespace crier::broadcast
