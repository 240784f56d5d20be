#include "cmd/daemon/admin/busy_topics.h"

#include <algorithm>
#include <utility>

namespace crier::cmd {

void BusyTopics::start(Instant now) {
  rates_ = std::make_unique<TopicRates>();
  sampled_at_ = now;
  batches_.add(*this);
}

void BusyTopics::stop() {
  if (!rates_) return;
  batches_.remove(*this);
  rates_.reset();
  streams_ = {};
}

void BusyTopics::on_batch(const broadcast::Batch& batch) {
  for (const FrameRef& frame : batch) rates_->count(frame->topic(), frame->topic_hash());
}

std::vector<TopicFigures> BusyTopics::sample(Instant now) {
  if (!rates_) start(now);
  rates_->pass(static_cast<double>(now.us - sampled_at_.us) / 1e6);
  sampled_at_ = now;
  const std::vector<TopicRates::Row> rows = rates_->rows();
  std::vector<TopicFigures> all;
  for (const TopicRates::Row& row : rows) {
    TopicFigures& topic = all.emplace_back(std::string(row.topic), row.events_per_second);
    const auto known = streams_.find(topic.topic);
    if (known != streams_.end()) topic.streams = known->second;
  }
  const auto work = [](const TopicFigures& topic) {
    return topic.events_per_second * (1 + static_cast<double>(topic.streams.value_or(0)));
  };
  std::ranges::sort(all, std::ranges::greater(), work);
  if (all.size() > kShown) all.resize(kShown);
  ask(rows);
  return all;
}

void BusyTopics::ask(const std::vector<TopicRates::Row>& rows) {
  if (asking_ || rows.empty()) return;
  asking_ = true;
  std::vector<std::string> topics;
  for (const TopicRates::Row& row : rows) topics.emplace_back(row.topic);
  workers_.count_subscribers(
      topics, [this, topics](const std::optional<std::vector<std::uint64_t>>& counts) {
        asking_ = false;
        if (!counts || !rates_) return;
        streams_.clear();
        for (std::size_t i = 0; i < topics.size(); ++i) streams_.emplace(topics[i], (*counts)[i]);
      });
}

}  // namespace crier::cmd
