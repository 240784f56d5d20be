// The log: remembers what the journal has committed, keeps history within bounds and answers
// "everything after S".
//
// Sequences grow from event to event within an epoch. They may have holes: a number that no event
// of this log has says nothing about a loss. What history lets go of is remembered per topic as
// `evicted.through`, so that a replay that can no longer be complete says so (see replay.h).
//
// Belongs to the control loop. Time is an argument, or of an event when it was accepted; it may
// stand still, but from event to event and from call to call it does not go back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broadcast/log/batch.h"
#include "broadcast/log/forgotten_topics.h"
#include "broadcast/log/history.h"
#include "broadcast/log/log_stats.h"
#include "broadcast/log/replay.h"
#include "broadcast/log/replayer.h"
#include "broadcast/log/topic_class.h"
#include "broadcast/log/topic_table.h"
#include "core/frame.h"
#include "core/keyed_hash.h"
#include "core/slow_check.h"
#include "core/text/event_id.h"

namespace crier::broadcast {

struct LogOptions {
  Epoch epoch;
  HashKey topic_key;  // Of Frame::topic_hash(): keyed_hash(topic_key, topic).
  std::shared_ptr<const TopicClasses> classes;  // Whose history limits hold per topic. Not null.
  std::uint64_t history_bytes_max = std::uint64_t{64}
                                    << 20;  // Of all topics; History::memory_of().
  std::size_t topics_max = 100'000;         // 1 to 2^24.
  std::size_t forgotten_max = 65'536;
  std::uint32_t idle_topic_seconds =
      600;  // Without history for so long, a topic is no longer listed.
};

// What a worker is fed that could not keep up.
struct MissedFrames {
  Batch frames;  // In sequence order; complete from `sequence` to `through` unless `lost`.
  std::uint64_t through = 0;       // Continue after this.
  std::optional<LostEvents> lost;  // To be told before the frames.
  std::size_t topics_asked = 0;    // To say which topics' they are.
};

struct TopicInfo {
  std::string name;
  ClassIndex topic_class = 0;
  std::uint64_t events = 0;  // Retained.
  std::uint64_t bytes = 0;
  std::uint64_t oldest_sequence = 0;  // Of those retained; 0: none is.
  std::uint64_t newest_sequence = 0;
  std::uint64_t evicted_through = 0;
  std::uint64_t published = 0;     // Since the topic is listed.
  double events_per_second = 0.0;  // A moving average over about 10 s.
};

struct TopicPage {
  std::vector<TopicInfo> topics;
  std::uint64_t next = 0;  // Cursor of the next page; 0: this was the last.
};

class Log {
 public:
  explicit Log(LogOptions options);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  const Epoch& epoch() const { return options_.epoch; }
  std::uint64_t head() const { return head_; }  // Sequence of the newest event; 0: none yet.
  const HashKey& topic_key() const { return options_.topic_key; }
  const LogStats& stats() const { return stats_; }
  // History holds nothing up to and including this sequence, and never will again.
  std::uint64_t retained_after() const;
  // When the oldest event that is retained was accepted; nothing: none is.
  std::optional<Instant> oldest_accepted() const;

  // Takes a committed event, which is the head from now on. Requires: a sequence beyond the head's,
  // a valid topic, hashed with `topic_key`.
  void append(const FrameRef& frame);

  // Lets go of events past their age, of what exceeds a lowered history_bytes_max, and of idle
  // topics: a bounded share. True: more remains, call again soon.
  bool expire(Instant now);

  // New limits. At once nothing grows beyond them; what exceeds them goes a few events with each
  // append (of the same topic) and a share with each expire.
  void set_limits(std::shared_ptr<const TopicClasses> classes, std::uint64_t history_bytes_max);

  // Bounded work; an answer may hold no frame and yet not have reached the head: ask on from
  // `through`. An `after` beyond the head counts as the head.
  ReplayAnswer replay(const ReplayRequest& request, Instant now);

  // The events after `sequence`, at least one when one is retained, until either bound is reached.
  MissedFrames frames_after(std::uint64_t sequence, std::size_t frames_max,
                            std::size_t bytes_max) const;

  std::optional<TopicInfo> topic(std::string_view name, Instant now) const;
  // At most `limit` topics in table order, from the start (0) or a cursor. A page ends after a
  // bounded number of rows, too, so that one with fewer topics, or none, need not be the last.
  TopicPage page(std::uint64_t cursor, std::size_t limit, Instant now) const;

 private:
  // Events up to `through` were looked at and, where their topic's events live so long, found too
  // old.
  struct AgeHand {
    std::uint32_t age_seconds_max = 0;
    std::uint64_t through = 0;
  };

  TopicRow row_for(const Frame& frame);
  void make_room_for_topic();
  void forget(TopicRow row);
  ClassIndex class_of(const Topic& topic) const;
  const HistoryLimits& limits_of(Topic& topic);
  void evict(TopicRow row, EvictionCause cause);
  void keep_within_limits(TopicRow row, std::uint64_t bytes_added);
  void expire(Instant now, std::size_t& budget);
  std::optional<std::vector<std::string>> topics_with_losses(std::uint64_t from,
                                                             std::size_t& asked) const;
  void expire_by_age(AgeHand& hand, Instant now, std::size_t& budget);
  void set_age_hands();
  void update_gauges();
  bool consistent() const;
  TopicInfo info_of(const Topic& topic, Instant now) const;

  LogOptions options_;
  LogStats stats_;
  TopicTable topics_;
  History history_;
  ForgottenTopics forgotten_;
  Replayer replayer_;
  std::uint64_t head_ = 0;
  std::uint32_t classes_version_ = 1;
  std::vector<AgeHand> age_hands_;  // One for each different age limit.
  SlowCheckPace checks_;
};

}  // namespace crier::broadcast
