#include "cmd/bench/topic_plan.h"

#include <algorithm>
#include <sstream>

#include "core/topic.h"

namespace crier::bench {
namespace {

constexpr std::uint32_t kSharedMarks = 0x00ff'fff0;  // Marks below it are stream numbers.

}  // namespace

Result<TopicPlan> TopicPlan::make(const std::string& list, std::uint32_t streams,
                                  std::uint32_t all_every) {
  TopicPlan plan;
  plan.streams_ = std::max(streams, 1U);
  plan.all_every_ = all_every;
  std::istringstream words(list);
  for (std::string topic; std::getline(words, topic, ',');) {
    plan.topics_.push_back(topic);
    std::string longest = topic;
    if (const auto at = topic.find('%'); at != std::string::npos) {
      longest.replace(at, 1, std::to_string(plan.streams_ - 1));
    }
    if (!valid_topic(longest)) return fail(Errc::bad_request, "no topic: '" + topic + "'");
    if (topic.find('%') == std::string::npos) {
      plan.shared_.push_back(topic);
    } else if (plan.has_own()) {
      return fail(Errc::bad_request, "two topics with '%': " + list);
    } else {
      plan.own_ = topic;
    }
  }
  if (plan.topics_.empty() || plan.topics_.size() > kTopicsPerStreamMax) {
    return fail(Errc::bad_request, "no topics, or too many: " + list);
  }
  if (all_every == 0 || (plan.mixed() && (!plan.has_own() || plan.shared_.empty()))) {
    return fail(Errc::bad_request, "a mix needs an own topic and a shared one: " + list);
  }
  return plan;
}

std::string TopicPlan::own_topic(std::uint32_t stream) const {
  std::string topic = own_;
  return topic.replace(topic.find('%'), 1, std::to_string(stream));
}

std::string TopicPlan::subscription(std::uint32_t stream) const {
  std::string text;
  for (const std::string& topic : topics_) {
    text += (text.empty() ? "" : "&topic=") + (topic == own_ ? own_topic(stream) : topic);
  }
  return text;
}

std::vector<TopicPlan::Place> TopicPlan::places(std::uint32_t event) const {
  if (!for_all(event)) {
    const std::uint32_t stream = for_one(event) % streams_;
    return {{.topic = own_topic(stream), .mark = stream}};
  }
  if (!shared_.empty()) {
    const std::size_t turn = event / all_every_ % shared_.size();
    return {{.topic = shared_[turn], .mark = kSharedMarks + static_cast<std::uint32_t>(turn)}};
  }
  std::vector<Place> places;
  for (std::uint32_t stream = 0; stream < streams_; ++stream) {
    places.push_back({.topic = own_topic(stream), .mark = stream});
  }
  return places;
}

bool TopicPlan::subscribes(std::uint32_t stream, std::uint32_t mark) const {
  if (mark >= kSharedMarks) return mark - kSharedMarks < shared_.size();
  return has_own() && mark == stream;
}

std::uint32_t TopicPlan::owed(std::uint32_t stream, std::uint32_t after,
                              std::uint32_t through) const {
  const std::uint32_t all = through / all_every_ - after / all_every_;
  // Counts the turns of this stream among the first `turns`, turn 0 included.
  const auto own = [&](std::uint32_t turns) { return (turns + streams_ - stream) / streams_; };
  return all + own(for_one(through)) - own(for_one(after));
}

}  // namespace crier::bench
