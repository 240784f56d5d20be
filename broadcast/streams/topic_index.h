// Finds the streams of this worker that want a topic or a pattern.
//
// One topic per user is as common as one topic for all. So a topic with a single stream costs a row
// of 40 bytes and its name: the row holds the stream's index itself. A larger row lists its streams
// in one dense array, which fan-out walks.
//
// Fan-out looks up an event's topic at once but matches patterns later, and a stream must get its
// events in order. So a stream that has a pattern is listed, with all its subscriptions, in rows
// that the look-up of patterns finds. The streams without a pattern have another row for the same
// topic.
//
// A stream is listed in the row of each of its subscriptions and knows its position in each list.
// When it leaves, the last entry of the list takes its place. A list that is walked in slices is
// walked from the end, so an entry that moves was visited before. Leaving costs a step for each
// subscription of the stream that is moved.
//
// With a cap on the streams of a topic, each stream is also counted in a table that all workers
// share: once for each topic that it names, and not for its patterns. The cap is exact. It costs 4
// bytes for each topic on this worker, a lock when a topic's first stream joins, and one atomic
// operation for each other stream.
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
#include "core/address_table.h"
#include "core/index_pool.h"
#include "core/keyed_hash.h"
#include "core/reserved_array.h"
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
  std::uint32_t work;  // The group of Fanout with the pending frames of this row, or kNone.
  std::uint8_t name_size;
  Selector::Kind kind;
  // Found by patterns(), not by find(): the streams of this row have a pattern.
  bool matched;

  std::string_view text() const { return {name, name_size}; }
  std::span<const StreamIndex> streams() const {
    return {capacity == 0 ? &members.one : members.many, size};
  }
};

static_assert(sizeof(TopicEntry) == 40);

// The bound that a new stream would exceed: that of topics and patterns together, that of patterns,
// or that of the streams of one topic.
enum class IndexFull : std::uint8_t { topics, patterns, streams };

// The cap on the streams of each topic, over all workers.
struct TopicCap {
  AddressTable* counts = nullptr;  // Null: no cap.
  std::uint32_t streams_max = 0;
};

class TopicIndex {
 public:
  // `rows_max` bounds topics and patterns together. The tables must outlive the index.
  TopicIndex(StreamTable& streams, const HashKey& topic_key, std::size_t rows_max,
             std::size_t patterns_max, TopicCap cap = {});
  ~TopicIndex();
  TopicIndex(const TopicIndex&) = delete;
  TopicIndex& operator=(const TopicIndex&) = delete;

  // Lists the stream under its subscriptions: at least one, none twice. After an error it is listed
  // nowhere.
  [[nodiscard]] std::expected<void, IndexFull> join(StreamIndex index,
                                                    std::span<const Selector> subscriptions);

  // Removes the stream from every list. Does nothing if it is in none.
  void leave(StreamIndex index);

  // Returns the stream's subscriptions, in the order of its request.
  std::vector<Selector> subscriptions(const Stream& stream) const;

  // Returns the row of a topic for streams without a pattern; nothing if none of them wants it.
  std::optional<TopicEntryIndex> find(std::string_view topic) const;
  std::optional<TopicEntryIndex> find(std::uint64_t hash, std::string_view topic) const {
    return find_row(hash, topic, false);
  }
  // Returns how many streams have exactly this subscription.
  std::uint32_t subscribers(std::string_view text) const;

  // Returns true if any stream wants this row now.
  bool taken(TopicEntryIndex row) const { return rows_.is_rented(row); }

  TopicEntry& operator[](TopicEntryIndex row) { return rows_[row]; }
  const TopicEntry& operator[](TopicEntryIndex row) const { return rows_[row]; }

  // The rows of streams that have a pattern.
  const PatternIndex& patterns() const { return patterns_; }
  std::size_t size() const { return rows_.rented(); }

  // For debug builds, O(n): every listed stream knows its position.
  bool consistent() const;

 private:
  std::optional<TopicEntryIndex> find_row(std::uint64_t hash, std::string_view text,
                                          bool matched) const;
  std::expected<TopicEntryIndex, IndexFull> find_or_add(const Selector& selector, bool matched);
  void drop_if_unused(TopicEntryIndex row);
  bool count_joining();
  bool count(TopicEntryIndex row);
  void uncount(TopicEntryIndex row);
  bool counted(TopicEntryIndex row) const {
    return cap_.counts != nullptr && rows_[row].kind == Selector::Kind::topic;
  }

  StreamTable& streams_;
  HashKey topic_key_;
  IndexPool<TopicEntry> rows_;
  HashIndex index_;
  PatternIndex patterns_;
  std::size_t patterns_max_;
  std::size_t wildcards_ = 0;          // Rows whose kind is pattern.
  std::vector<Subscription> joining_;  // Used by join(); empty between calls.
  TopicCap cap_;
  // The row of cap_.counts in which a row's streams are counted, by row; without a cap, empty.
  ReservedArray<std::uint32_t> counted_in_;
};

}  // namespace crier::broadcast
