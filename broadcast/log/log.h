// The log keeps the events that the journal has committed, keeps the history within its bounds, and
// answers "everything after S".
//
// Sequences grow from event to event within an epoch. They may have holes: a number that belongs to
// no event says nothing about a loss. When the history evicts an event, its topic remembers that as
// `evicted.through`, so that a replay that is no longer complete says so (see replay.h).
//
// A topic is closed by an event (see event.h). It stays closed as long as the log remembers it,
// with or without history; an event that a journal has put after the closing one opens it again.
//
// Belongs to the control loop. Time is an argument, or the time at which an event was accepted. It
// may stand still, but must not go back from call to call.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broadcast/log/batch.h"
#include "broadcast/log/closed_topics.h"
#include "broadcast/log/forgotten_topics.h"
#include "broadcast/log/history.h"
#include "broadcast/log/log_stats.h"
#include "broadcast/log/log_survey.h"
#include "broadcast/log/replay.h"
#include "broadcast/log/replayer.h"
#include "broadcast/log/topic_class.h"
#include "broadcast/log/topic_table.h"
#include "core/frame.h"
#include "core/keyed_hash.h"
#include "core/slow_check.h"
#include "core/text/event_id.h"

namespace crier::broadcast {

// How long a topic without history is listed.
inline constexpr std::uint32_t kIdleTopicSeconds = 600;

struct LogOptions {
  Epoch epoch;
  HashKey topic_key;                            // The key of Frame::topic_hash().
  std::shared_ptr<const TopicClasses> classes;  // Not null. Their history limits hold per topic.
  // For all topics together; each event counts History::memory_of().
  std::uint64_t history_bytes_max = std::uint64_t{64} << 20;
  std::size_t topics_max = 100'000;  // 1 to 2^24.
  std::size_t forgotten_max = 65'536;
  std::uint32_t idle_topic_seconds = kIdleTopicSeconds;
};

// The events that a worker which lagged is fed from the history.
struct MissedFrames {
  Batch frames;  // In sequence order; complete from `sequence` to `through` unless `lost` is set.
  std::uint64_t through = 0;  // The next call continues after this sequence.
  // Events that are gone; the worker must be told before it gets `frames`.
  std::optional<LostEvents> lost;
  std::size_t topics_asked = 0;  // How many topics were looked at to fill in lost->topics.
};

struct TopicInfo {
  std::string name;
  ClassIndex topic_class = 0;
  std::uint64_t events = 0;  // Retained now.
  std::uint64_t bytes = 0;
  std::uint64_t oldest_sequence = 0;  // Of the retained events; 0: none is retained.
  std::uint64_t newest_sequence = 0;
  std::uint64_t evicted_through = 0;
  std::uint64_t closed_sequence = 0;  // Of the event that closed it; 0: it is open.
  std::uint64_t published = 0;        // Since the topic is listed.
  double events_per_second = 0.0;     // A moving average over about 10 s.
};

struct TopicPage {
  std::vector<TopicInfo> topics;
  std::uint64_t next = 0;  // Cursor of the next page; 0: this page is the last.
};

class Log {
 public:
  explicit Log(LogOptions options);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  const Epoch& epoch() const { return options_.epoch; }
  std::uint64_t head() const { return head_; }  // Sequence of the newest event; 0: no event yet.
  const HashKey& topic_key() const { return options_.topic_key; }
  const LogStats& stats() const { return stats_; }
  const ClosedTopics& closed_topics() const { return closed_; }
  // How the topic was closed, if it is.
  Closing closing_of(std::string_view topic) const;
  // Returns a sequence up to which the history retains nothing, and never will again.
  std::uint64_t retained_after() const;
  // When the oldest event that is retained was accepted; nothing: none is.
  std::optional<Instant> oldest_accepted() const;

  // Adds a committed event, which becomes the head. Requires: its sequence is greater than head();
  // its topic is valid and hashed with `topic_key`.
  void append(const FrameRef& frame);

  // Restoring, before the first append(): what is remembered, then events in the order of
  // sequences, then the head. Events that the log remembers as lost are left out, and none is
  // counted as published.
  void restore(const Remembered& remembered);
  void restore(const FrameRef& frame);
  // Between two events: others up to this sequence may be missing, of any topic.
  void lose_through(std::uint64_t sequence) { hole_ = std::max(hole_, sequence); }
  // Requires: no event has a greater sequence than `head`.
  void end_restore(std::uint64_t head);

  // The journal keeps no event up to this sequence any more: expire() evicts them.
  void drop_through(std::uint64_t sequence);

  // Evicts events that are too old or exceed a lowered history_bytes_max, and forgets idle topics.
  // Does a bounded share of that. Returns true if more remains: call it again soon.
  bool expire(Instant now);

  // Sets new limits. From now on nothing grows beyond them. Events that already exceed them are
  // evicted little by little: a few of the same topic with each append(), and a share with each
  // expire().
  void set_limits(std::shared_ptr<const TopicClasses> classes, std::uint64_t history_bytes_max);
  // The same for the limit of all topics alone.
  void set_bytes_max(std::uint64_t bytes) { options_.history_bytes_max = bytes; }
  // From now on a topic without history is forgotten after this time.
  void set_idle_topic_seconds(std::uint32_t seconds) { options_.idle_topic_seconds = seconds; }

  // Answers a replay request with bounded work. An answer may have no frames without having reached
  // the head; the stream then asks again from `through`. An `after` beyond the head counts as the
  // head.
  ReplayAnswer replay(const ReplayRequest& request, Instant now);

  // Returns the events after `sequence` until one of the bounds is reached, but at least one event
  // if one is retained.
  MissedFrames frames_after(std::uint64_t sequence, std::size_t frames_max,
                            std::size_t bytes_max) const;

  // Returns what is retained of a topic after a sequence.
  Behind behind(std::string_view topic, std::uint64_t sequence) const;

  // Returns what is known of a topic that is listed or closed.
  std::optional<TopicInfo> topic(std::string_view name, Instant now) const;
  // Returns at most `limit` topics in table order, from the start (cursor 0) or from a page's
  // `next`. A page also ends after a bounded number of rows, so a page with few topics, or none,
  // need not be the last.
  TopicPage page(std::uint64_t cursor, std::size_t limit, Instant now) const;

 private:
  friend class LogSurvey;

  // Searches the history for events older than one age limit. All events up to `through` were
  // looked at; those of topics with this limit were evicted.
  struct AgeSearch {
    std::uint32_t age_seconds_max = 0;
    std::uint64_t through = 0;
  };

  void add(const FrameRef& frame);
  TopicRow row_for(const Frame& frame);
  void mark(TopicRow row, const Frame& frame);
  void make_room_for_topic();
  void forget(TopicRow row);
  ClassIndex class_of(const Topic& topic) const;
  const HistoryLimits& limits_of(Topic& topic);
  void evict(TopicRow row, EvictionCause cause);
  void keep_within_limits(TopicRow row, std::uint64_t bytes_added);
  void expire(Instant now, std::size_t& budget);
  std::optional<std::vector<std::string>> topics_with_losses(std::uint64_t from,
                                                             std::size_t& asked) const;
  void expire_dropped(std::size_t& budget);
  void expire_by_age(AgeSearch& search, Instant now, std::size_t& budget);
  void restart_age_searches();
  void update_gauges();
  bool consistent() const;
  TopicInfo info_of(const Topic& topic, Instant now) const;

  LogOptions options_;
  LogStats stats_;
  ClosedTopics closed_;
  TopicTable topics_;
  History history_;
  ForgottenTopics forgotten_;
  Replayer replayer_;
  LogSurvey* survey_ = nullptr;  // The one under way, or none.
  std::uint64_t head_ = 0;
  std::uint64_t hole_ = 0;             // While it is restored: lose_through().
  std::uint64_t dropped_through_ = 0;  // drop_through()
  std::uint32_t classes_version_ = 1;
  std::vector<AgeSearch> age_searches_;  // One for each different age limit.
  SlowCheckPace checks_;
};

}  // namespace crier::broadcast
