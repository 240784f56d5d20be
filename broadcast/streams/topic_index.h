// Topic or pattern → the streams of this worker that want it. Leaving costs a step for each
// subscription of the streams that are moved.
//
// One topic for each user is as common as one topic for all, so a topic with a single stream costs
// a row of 40 bytes and its name: the stream's index stands in the row itself. A larger row lists
// its streams in one dense array, which fan-out walks.
//
// Which patterns match an event is found out later than whether a topic is wanted, and a stream
// must see its events in order. So a stream that has a pattern has all its subscriptions in rows
// that the patterns' look-up finds, its topics too: such a row is another one than that of the same
// topic for the streams without a pattern.
//
// A stream is listed in the row of each of its subscriptions, and knows its place in each list.
// Leaving moves the last entry into the hole, so a list that is walked in slices is walked from the
// end: an entry that moves has then been visited already.
//
// Belongs to one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "broadcast/log/hash_index.h"
#include "broadcast/streams/pattern_index.h"
#include "broadcast/streams/stream.h"
#include "broadcast/streams/stream_table.h"
#include "core/index_pool.h"
#include "core/keyed_hash.h"
#include "core/topic.h"

namespace crier::broadcast {

using TopicEntryIndex = std::uint32_t;

struct TopicEntry {
  std::uint64_t hash;
  char* name;  // Owned.
  union {
    StreamIndex one;    // capacity == 0
    StreamIndex* many;  // Owned.
  } members;
  std::uint32_t size;
  std::uint32_t capacity;
  std::uint32_t work;  // Fan-out's group with what is pending for this row, or kNone.
  std::uint8_t name_size;
  Selector::Kind kind;
  bool matched;  // Found by patterns(), not by find().

  std::string_view text() const { return {name, name_size}; }
  std::span<const StreamIndex> streams() const {
    return {capacity == 0 ? &members.one : members.many, size};
  }
};

static_assert(sizeof(TopicEntry) == 40);

// Why a stream could not be listed: so many topics and patterns, or patterns, are wanted already.
enum class IndexFull : std::uint8_t { topics, patterns };

class TopicIndex {
 public:
  // `rows_max` bounds topics and patterns together. The table outlives the index.
  TopicIndex(StreamTable& streams, const HashKey& topic_key, std::size_t rows_max,
             std::size_t patterns_max);
  ~TopicIndex();
  TopicIndex(const TopicIndex&) = delete;
  TopicIndex& operator=(const TopicIndex&) = delete;

  // Lists the stream under its subscriptions: distinct, at least one. Error: the stream is listed
  // nowhere.
  [[nodiscard]] std::expected<void, IndexFull> join(StreamIndex index,
                                                    std::span<const Selector> subscriptions);

  // Takes the stream out of every list. Harmless when it is in none.
  void leave(StreamIndex index);

  // What a stream is subscribed to, in the order of its request.
  std::vector<Selector> subscriptions(const Stream& stream) const;

  // The row of a topic for the streams that have no pattern, if any of them wants it.
  std::optional<TopicEntryIndex> find(std::string_view topic) const;
  std::optional<TopicEntryIndex> find(std::uint64_t hash, std::string_view topic) const {
    return find_row(hash, topic, false);
  }
  // How many streams have exactly this subscription.
  std::uint32_t subscribers(std::string_view text) const;

  // Does any stream want this row at present?
  bool taken(TopicEntryIndex row) const { return rows_.is_rented(row); }

  TopicEntry& operator[](TopicEntryIndex row) { return rows_[row]; }
  const TopicEntry& operator[](TopicEntryIndex row) const { return rows_[row]; }

  // The rows for the streams that have a pattern.
  const PatternIndex& patterns() const { return patterns_; }
  std::size_t size() const { return rows_.rented(); }

  // O(n), for debug builds: every listed stream points back to its place.
  bool consistent() const;

 private:
  std::optional<TopicEntryIndex> find_row(std::uint64_t hash, std::string_view text,
                                          bool matched) const;
  std::expected<TopicEntryIndex, IndexFull> find_or_add(const Selector& selector, bool matched);
  void drop_if_unused(TopicEntryIndex row);

  StreamTable& streams_;
  HashKey topic_key_;
  IndexPool<TopicEntry> rows_;
  HashIndex index_;
  PatternIndex patterns_;
  std::size_t patterns_max_;
  std::size_t wildcards_ = 0;          // Rows whose kind is pattern.
  std::vector<Subscription> joining_;  // Empty between calls.
};

}  // namespace crier::broadcast
