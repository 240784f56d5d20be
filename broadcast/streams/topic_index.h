// Topic or pattern → the streams of this worker that want it. Join and leave are O(1).
//
// One topic for each user is as common as one topic for all, so a topic with a single stream costs
// a row of 48 bytes and its name: the stream's index stands in the row itself.
//
// A stream with exactly one literal topic is a *single*: the row lists it in one dense array, and
// fan-out walks that. A stream with several subscriptions or a pattern is a *multi* and stands in
// its own lists. Leaving moves the last entry into the hole, so whoever walks a list in slices
// walks it from the end: an entry that moves has then been visited already.
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

#include "broadcast/streams/pattern_index.h"
#include "broadcast/streams/stream.h"
#include "broadcast/streams/stream_table.h"
#include "core/index_pool.h"
#include "core/keyed_hash.h"

namespace crier::broadcast {

using TopicEntryIndex = std::uint32_t;

// A stream in a multi list, and which of its subscriptions this is.
struct MultiMember {
  StreamIndex stream;
  std::uint32_t ordinal;
};

struct TopicEntry {
  std::uint64_t hash;
  char* name;  // Owned.
  union {
    StreamIndex one;    // singles_capacity == 0
    StreamIndex* many;  // Owned.
  } singles;
  std::uint32_t singles_size;
  std::uint32_t singles_capacity;
  std::vector<MultiMember>* multis;  // Owned; null for most.
  std::uint32_t work;                // Fan-out's list of what is pending for this row, or kNone.
  std::uint8_t name_size;
  bool pattern;

  std::string_view topic() const { return {name, name_size}; }
  std::span<const StreamIndex> single_streams() const {
    return {singles_capacity == 0 ? &singles.one : singles.many, singles_size};
  }
  std::size_t multi_size() const { return multis == nullptr ? 0 : multis->size(); }
};

static_assert(sizeof(TopicEntry) <= 56);

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

  // Lists the stream under its subscriptions: distinct, valid topics or patterns, at least one.
  // Error: the stream is listed nowhere.
  [[nodiscard]] std::expected<void, IndexFull> join(
      StreamIndex index, std::span<const std::string_view> subscriptions);

  // Takes the stream out of every list. Harmless when it is in none.
  void leave(StreamIndex index);

  // The names a stream is subscribed to, in the order of its request.
  std::vector<std::string_view> subscriptions(const Stream& stream) const;

  // The row of a literal topic or pattern by its exact name, if any stream wants it.
  std::optional<TopicEntryIndex> find(std::string_view topic) const;
  std::optional<TopicEntryIndex> find(std::uint64_t hash, std::string_view topic) const;

  // Does any stream want this row at present?
  bool taken(TopicEntryIndex row) const { return rows_.is_rented(row); }

  TopicEntry& operator[](TopicEntryIndex row) { return rows_[row]; }
  const TopicEntry& operator[](TopicEntryIndex row) const { return rows_[row]; }

  const PatternIndex& patterns() const { return patterns_; }
  // Are there streams that a batch must be offered to as a whole?
  bool any_multis() const { return multis_ > 0; }
  std::size_t size() const { return rows_.rented(); }

  // O(n), for debug builds: every listed stream points back to its place.
  bool consistent() const;

 private:
  std::expected<TopicEntryIndex, IndexFull> find_or_add(std::string_view name);
  void drop_if_unused(TopicEntryIndex row);
  std::expected<void, IndexFull> join_single(StreamIndex index, std::string_view topic);
  void leave_single(Stream& stream);
  void leave_multis(StreamIndex index, StreamExtra& extra);

  std::size_t bucket_of(std::uint64_t hash) const { return hash & (buckets_.size() - 1); }
  void insert_bucket(TopicEntryIndex row);
  void erase_bucket(TopicEntryIndex row);
  void grow_buckets();

  StreamTable& streams_;
  HashKey topic_key_;
  IndexPool<TopicEntry> rows_;
  std::vector<TopicEntryIndex> buckets_;  // Open addressing, linear probing; kNone is empty.
  PatternIndex patterns_;
  std::size_t patterns_max_;
  std::size_t multis_ = 0;
};

}  // namespace crier::broadcast
