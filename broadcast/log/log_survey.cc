#include "broadcast/log/log_survey.h"

#include <utility>

#include "broadcast/log/log.h"
#include "core/check.h"

namespace crier::broadcast {
namespace {

constexpr std::uint64_t kSurveyShare = 4'096;  // Events, entries or rows that one step looks at.

}  // namespace

LogSurvey::LogSurvey(Log& log) : log_(log) {
  CRIER_CHECK(log_.survey_ == nullptr);
  log_.survey_ = this;
  survey_.through = log_.head();
  survey_.live.reserve(log_.history_.events());
}

LogSurvey::~LogSurvey() {
  if (log_.survey_ == this) log_.survey_ = nullptr;
}

bool LogSurvey::step() {
  switch (stage_) {
    case Stage::events:
      walk_events();
      break;
    case Stage::forgotten:
      walk_forgotten();
      break;
    case Stage::topics:
      walk_topics();
      break;
    case Stage::done:
      break;
  }
  return stage_ == Stage::done;
}

void LogSurvey::walk_events() {
  const History& history = log_.history_;
  History::Position at = history.first_after(walked_);
  for (std::uint64_t share = kSurveyShare; share > 0; --share) {
    if (at == history.end() || history.at(at).sequence > survey_.through) {
      stage_ = Stage::forgotten;
      walked_ = 0;
      return;
    }
    walked_ = history.at(at).sequence;
    survey_.live.push_back(walked_);
    at = history.after(at);
  }
}

// A topic that is listed, or forgotten, while a survey is under way is remembered there and then.
// So none slips through between this stage and the next.
void LogSurvey::walk_forgotten() {
  const bool more = log_.forgotten_.walk(
      walked_, kSurveyShare, [this](auto hash, auto& evicted) { remember(hash, evicted.through); });
  if (more) return;
  stage_ = Stage::topics;
  walked_ = 0;
}

// Topics that have lost nothing are listed, too, because the floor may be above their events.
void LogSurvey::walk_topics() {
  const TopicTable& topics = log_.topics_;
  for (std::uint64_t share = kSurveyShare; share > 0 && walked_ < topics.end(); --share) {
    const auto row = static_cast<TopicRow>(walked_++);
    if (topics.listed(row)) remember(topics[row].hash, topics[row].evicted.through);
  }
  if (walked_ < topics.end()) return;
  survey_.remembered.head = log_.head();
  survey_.remembered.floor = log_.forgotten_.floor().through;
  stage_ = Stage::done;
}

void LogSurvey::remember(std::uint64_t topic_hash, std::uint64_t evicted_through) {
  survey_.remembered.topics.push_back({topic_hash, evicted_through, log_.closed_.find(topic_hash)});
}

Survey LogSurvey::take() {
  CRIER_CHECK(stage_ == Stage::done);
  CRIER_CHECK(log_.survey_ == this);
  log_.survey_ = nullptr;
  return std::move(survey_);
}

}  // namespace crier::broadcast
