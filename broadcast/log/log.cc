#include "broadcast/log/log.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/check.h"

namespace crier::broadcast {
namespace {

constexpr std::size_t kExpireShare = 4'096;  // Entries and topics that one expire() looks at.
constexpr std::size_t kLostTopicsMax = 64;   // Topics named to a worker that lagged.
// Smaller than kExpireShare, because one turn may have many replays.
constexpr std::size_t kExpireShareOfReplay = 512;
// Events that an append evicts from a topic above its limits.
constexpr std::size_t kShrinkShare = 8;
constexpr std::size_t kPageRowsMax = 65'536;  // Rows that one page looks at.
constexpr std::uint32_t kRateFoldTicks = kTicksPerSecond;
constexpr float kRateSeconds = 10.0F;

// Returns the moving average after `elapsed` further ticks, in which `rate_events` events came.
float folded_rate(const Topic& topic, std::uint32_t elapsed) {
  const float seconds = static_cast<float>(elapsed) / static_cast<float>(kTicksPerSecond);
  const float rate_now = static_cast<float>(topic.rate_events) / seconds;
  return topic.rate + (rate_now - topic.rate) * (1.0F - std::exp(-seconds / kRateSeconds));
}

void count_for_rate(Topic& topic, Instant now) {
  ++topic.rate_events;
  const std::uint32_t elapsed = ticks_between(topic.rate_at, now.tick());
  if (elapsed < kRateFoldTicks) return;
  topic.rate = folded_rate(topic, elapsed);
  topic.rate_events = 0;
  topic.rate_at = now.tick();
}

}  // namespace

Log::Log(LogOptions options)
    : options_(std::move(options)),
      topics_(options_.topics_max),
      history_(topics_),
      forgotten_(options_.forgotten_max, closed_),
      replayer_({topics_, history_, forgotten_, closed_}, options_.epoch, options_.topic_key) {
  CRIER_CHECK(options_.classes != nullptr);
  restart_age_searches();
}

std::uint64_t Log::retained_after() const {
  return history_.events() == 0 ? head_ : history_.at(history_.front()).sequence - 1;
}

std::optional<Instant> Log::oldest_accepted() const {
  if (history_.events() == 0) return std::nullopt;
  return history_.at(history_.front()).frame->accepted();
}

void Log::append(const FrameRef& frame) {
  add(frame);
  stats_.events.add();
  stats_.event_bytes.add(frame->memory_bytes());
  update_gauges();
}

void Log::add(const FrameRef& frame) {
  CRIER_CHECK(frame->sequence() > head_);
  const Instant now = frame->accepted();
  const TopicRow row = row_for(*frame);
  mark(row, *frame);
  head_ = frame->sequence();
  while (history_.full()) evict(history_.oldest_topic(), EvictionCause::total_bytes);
  history_.push(row, frame);
  topics_.published_to(row);
  count_for_rate(topics_[row], now);
  keep_within_limits(row, History::memory_of(*frame));
}

TopicRow Log::row_for(const Frame& frame) {
  const std::uint64_t hash = frame.topic_hash();
  if (const auto row = topics_.find(hash, frame.topic())) return *row;
  if (topics_.full()) make_room_for_topic();
  const TopicRow row = topics_.add(hash, frame.topic());
  Topic& topic = topics_[row];
  topic.evicted = forgotten_.find(hash);
  topic.complete = topic.evicted.through == 0;
  topic.first_sequence = frame.sequence();
  topic.rate_at = frame.accepted().tick();
  forgotten_.remove(hash);
  if (survey_ != nullptr) survey_->remember(hash, topic.evicted.through);
  return row;
}

// Marks a topic as closed, or as open. Its newest event is still the one before `frame`. An earlier
// closing event that the history has lost cannot be made again from now on.
void Log::mark(TopicRow row, const Frame& frame) {
  Topic& topic = topics_[row];
  if (topic.events == 0 && closed_.find(topic.hash)) topic.evicted.number = history_.count_loss();
  if (!frame.closes()) return closed_.remove(topic.hash);
  const std::uint64_t before =
      topic.events > 0 ? history_.at(topic.newest).sequence : topic.evicted.through;
  closed_.add(topic.hash, {frame.sequence(), before});
}

Closing Log::closing_of(std::string_view topic) const {
  if (closed_.size() == 0) return {};
  return closed_.find(keyed_hash(options_.topic_key, topic));
}

// Forgets a topic without history if there is one. Otherwise forgets the topic that was published
// to longest ago, with its events. These may be many, but each event is evicted once, so the cost
// is O(1) per append.
void Log::make_room_for_topic() {
  if (const auto empty = topics_.stalest_empty()) {
    forget(*empty);
    return;
  }
  const auto stalest = topics_.stalest_with_history();
  CRIER_CHECK(stalest.has_value());
  while (topics_[*stalest].events > 0) evict(*stalest, EvictionCause::topics);
  forget(*stalest);
}

void Log::forget(TopicRow row) {
  const std::uint64_t loss = closed_.size() > 0 ? history_.count_loss() : 0;
  forgotten_.add(topics_[row].hash, topics_[row].evicted, loss);
  if (survey_ != nullptr) survey_->remember(topics_[row].hash, topics_[row].evicted.through);
  topics_.remove(row);
  stats_.topics_forgotten.add();
}

ClassIndex Log::class_of(const Topic& topic) const {
  return topic.classes_version == classes_version_ ? topic.topic_class
                                                   : options_.classes->of_topic(topic.name());
}

const HistoryLimits& Log::limits_of(Topic& topic) {
  topic.topic_class = class_of(topic);
  topic.classes_version = classes_version_;
  return (*options_.classes)[topic.topic_class].history;
}

void Log::evict(TopicRow row, EvictionCause cause) {
  history_.evict_oldest_of(row);
  stats_.evicted[static_cast<std::size_t>(cause)].add();
  if (topics_[row].events == 0) topics_.became_empty(row);
}

// Usually each new event evicts one. After limits were lowered, an append evicts as much as it adds
// and a few events more of its topic; expire() lowers the total.
void Log::keep_within_limits(TopicRow row, std::uint64_t bytes_added) {
  Topic& topic = topics_[row];
  const HistoryLimits& limits = limits_of(topic);
  const std::uint64_t topic_bytes_max = std::max(limits.bytes_max, topic.bytes - bytes_added);
  const std::uint64_t bytes_max =
      std::max(options_.history_bytes_max, history_.bytes() - bytes_added);
  std::size_t share = kShrinkShare;
  for (; share > 0 && topic.events > limits.events_max; --share) {
    evict(row, EvictionCause::topic_events);
  }
  while (topic.bytes > topic_bytes_max) evict(row, EvictionCause::topic_bytes);
  for (; share > 0 && topic.bytes > limits.bytes_max; --share) {
    evict(row, EvictionCause::topic_bytes);
  }
  while (history_.bytes() > bytes_max) evict(history_.oldest_topic(), EvictionCause::total_bytes);
}

bool Log::expire(Instant now) {
  std::size_t budget = kExpireShare;
  expire(now, budget);
  return budget == 0;
}

void Log::expire(Instant now, std::size_t& budget) {
  while (budget > 0 && history_.bytes() > options_.history_bytes_max) {
    evict(history_.oldest_topic(), EvictionCause::total_bytes);
    --budget;
  }
  expire_dropped(budget);
  for (AgeSearch& search : age_searches_) expire_by_age(search, now, budget);
  for (auto row = topics_.stalest_empty(); row && budget > 0; row = topics_.stalest_empty()) {
    const std::uint32_t idle = ticks_between(topics_[*row].rate_at, now.tick());
    if (idle / kTicksPerSecond < options_.idle_topic_seconds) break;
    forget(*row);
    --budget;
  }
  update_gauges();
  if (checks_.due(history_.events() + topics_.end())) {
    CRIER_SLOW_CHECK(consistent());
  }
}

void Log::expire_by_age(AgeSearch& search, Instant now, std::size_t& budget) {
  const std::uint64_t age_us = std::uint64_t{search.age_seconds_max} * 1'000'000;
  for (History::Position at = history_.first_after(search.through);
       at != history_.end() && budget > 0; --budget) {
    const History::Entry& entry = history_.at(at);
    if (entry.frame->accepted().us + age_us > now.us) return;
    search.through = entry.sequence;
    const TopicRow row = entry.topic;
    const History::Position here = std::exchange(at, history_.after(at));
    if (limits_of(topics_[row]).age_seconds_max != search.age_seconds_max) continue;
    CRIER_CHECK(topics_[row].oldest == here);
    evict(row, EvictionCause::age);
  }
}

void Log::set_limits(std::shared_ptr<const TopicClasses> classes, std::uint64_t history_bytes_max) {
  CRIER_CHECK(classes != nullptr);
  options_.classes = std::move(classes);
  options_.history_bytes_max = history_bytes_max;
  ++classes_version_;
  restart_age_searches();
}

// Starts every search from the beginning, because topics may have changed their class.
void Log::restart_age_searches() {
  age_searches_.clear();
  for (std::size_t i = 0; i < options_.classes->size(); ++i) {
    const std::uint32_t age =
        (*options_.classes)[static_cast<ClassIndex>(i)].history.age_seconds_max;
    const bool known =
        std::any_of(age_searches_.begin(), age_searches_.end(),
                    [&](const AgeSearch& search) { return search.age_seconds_max == age; });
    if (!known) age_searches_.push_back({.age_seconds_max = age});
  }
}

ReplayAnswer Log::replay(const ReplayRequest& request, Instant now) {
  std::size_t budget = kExpireShareOfReplay;
  expire(now, budget);
  ReplayAnswer answer = replayer_.answer(request, head_);
  stats_.replays.add();
  stats_.replayed_events.add(answer.frames.size());
  return answer;
}

MissedFrames Log::frames_after(std::uint64_t sequence, std::size_t frames_max,
                               std::size_t bytes_max) const {
  MissedFrames missed;
  missed.through = std::min(sequence, head_);
  const std::uint64_t from = missed.through + 1;
  bool numbers_missing = false;
  std::size_t bytes = 0;
  History::Position at = history_.first_after(missed.through);
  for (bool room = true; at != history_.end() && room; at = history_.after(at)) {
    const History::Entry& entry = history_.at(at);
    if (entry.sequence != missed.through + 1) numbers_missing = true;
    missed.through = entry.sequence;
    missed.frames.push_back(entry.frame);
    bytes += entry.frame->wire(Framing::chunked).size();
    room = missed.frames.size() < std::min(frames_max, kScanEntriesMax) && bytes < bytes_max;
  }
  if (at == history_.end() && missed.through != head_) {
    numbers_missing = true;
    missed.through = head_;
  }
  // A missing number may be an event that is gone, or may have another reason. If numbers are
  // missing and an event at or after `from` is gone, the worker is told of a loss. The lost event
  // may lie beyond `through`; the worker is then told early.
  if (numbers_missing && history_.evicted().through >= from) {
    missed.lost = LostEvents{from, missed.through, topics_with_losses(from, missed.topics_asked)};
  }
  return missed;
}

// Returns the topics that have lost an event since `from`. Returns nothing if too many have lost
// one, or if there are too many topics to look at.
std::optional<std::vector<std::string>> Log::topics_with_losses(std::uint64_t from,
                                                                std::size_t& asked) const {
  if (forgotten_.highest().through >= from || topics_.end() > kScanTopicsMax) return std::nullopt;
  std::vector<std::string> names;
  for (TopicRow row = 0; row < topics_.end(); ++row) {
    ++asked;
    if (!topics_.listed(row) || topics_[row].evicted.through < from) continue;
    if (names.size() == kLostTopicsMax) return std::nullopt;
    names.emplace_back(topics_[row].name());
  }
  return names;
}

// For debug builds, O(n): tables, lists and chains agree.
bool Log::consistent() const {
  std::uint64_t events = 0;
  std::uint64_t bytes = 0;
  for (TopicRow row = 0; row < topics_.end(); ++row) {
    if (!topics_.listed(row)) continue;
    const Topic& topic = topics_[row];
    if (topics_.find(topic.hash, topic.name()) != row) return false;
    if (!history_.chained(row)) return false;
    if (topic.evicted.through > history_.evicted().through &&
        topic.evicted.through > forgotten_.highest().through) {
      return false;
    }
    events += topic.events;
    bytes += topic.bytes;
  }
  if (events != history_.events() || bytes != history_.bytes()) return false;
  if (history_.room() > 2 * events + 2 * History::kBlockEvents) return false;
  return topics_.lists_complete();
}

void Log::update_gauges() {
  stats_.history_events.set(history_.events());
  stats_.history_bytes.set(history_.bytes());
  stats_.history_frame_bytes.set(history_.frame_bytes());
  stats_.topics.set(topics_.size());
  stats_.topics_closed.set(closed_.size());
  stats_.forgotten_entries.set(forgotten_.size());
}

Behind Log::behind(std::string_view name, std::uint64_t sequence) const {
  const auto row = topics_.find(keyed_hash(options_.topic_key, name), name);
  if (!row || topics_[*row].events == 0) return {};
  const Topic& topic = topics_[*row];
  if (history_.at(topic.newest).sequence <= sequence) return {};
  std::uint64_t first = topic.published;  // The number of the oldest event after `sequence`.
  const auto oldest = history_.oldest_wanted(topic, [&](std::uint64_t number, std::uint64_t of) {
    if (of > sequence) first = std::min(first, number);
    return of > sequence;
  });
  return {topic.published - first + 1, history_.at(oldest).frame->accepted()};
}

std::optional<TopicInfo> Log::topic(std::string_view name, Instant now) const {
  const std::uint64_t hash = keyed_hash(options_.topic_key, name);
  if (const auto row = topics_.find(hash, name)) return info_of(topics_[*row], now);
  const Closing closing = closed_.find(hash);
  if (!closing) return std::nullopt;
  TopicInfo info;
  info.name = name;
  info.topic_class = options_.classes->of_topic(name);
  info.evicted_through = closing.sequence;
  info.closed_sequence = closing.sequence;
  return info;
}

TopicPage Log::page(std::uint64_t cursor, std::size_t limit, Instant now) const {
  TopicPage page;
  for (std::uint64_t row = cursor; row < topics_.end(); ++row) {
    if (row - cursor == kPageRowsMax) {
      page.next = row;
      break;
    }
    if (!topics_.listed(row)) continue;
    if (page.topics.size() == limit) {
      page.next = row;
      break;
    }
    page.topics.push_back(info_of(topics_[static_cast<TopicRow>(row)], now));
  }
  return page;
}

TopicInfo Log::info_of(const Topic& topic, Instant now) const {
  const std::uint32_t elapsed = ticks_between(topic.rate_at, now.tick());
  TopicInfo info;
  info.name = topic.name();
  info.topic_class = class_of(topic);
  info.events = topic.events;
  info.bytes = topic.bytes;
  if (topic.events > 0) {
    info.oldest_sequence = history_.at(topic.oldest).sequence;
    info.newest_sequence = history_.at(topic.newest).sequence;
  }
  info.evicted_through = topic.evicted.through;
  info.closed_sequence = closed_.find(topic.hash).sequence;
  info.published = topic.published;
  info.events_per_second = elapsed == 0 ? topic.rate : folded_rate(topic, elapsed);
  return info;
}

}  // namespace crier::broadcast
