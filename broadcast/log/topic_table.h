// The topics that the log lists. The table finds a topic by name, walks all topics in table order,
// and keeps two lists, by the time of the last publish: topics with history, and topics without.
//
// Belongs to the control loop. A row never moves; its number is valid until remove().
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "broadcast/log/forgotten_topics.h"
#include "broadcast/log/hash_index.h"
#include "broadcast/log/topic_class.h"
#include "core/index_pool.h"
#include "core/instant.h"

namespace crier::broadcast {

using TopicRow = std::uint32_t;

// All zero when rented. Trivially destructible, as IndexPool requires.
struct Topic {
  const char* name_bytes;  // Owned by the table.
  std::uint64_t hash;
  Evicted evicted;
  std::uint64_t first_sequence;  // The first event since the topic is listed.

  // Maintained by History. The positions are valid while events > 0.
  std::uint64_t published;  // Events since the topic is listed; the number of the newest one.
  std::uint64_t bytes;
  std::uint32_t events;
  std::uint32_t oldest;
  std::uint32_t newest;

  // Neighbours in the list of topics with history, or in that of topics without.
  TopicRow older;
  TopicRow newer;

  // Events per second: a moving average, and the events since rate_at, when it was last updated.
  float rate;
  std::uint32_t rate_events;
  Tick rate_at;

  std::uint32_t classes_version;  // The version of the classes in which `topic_class` is an index.
  ClassIndex topic_class;
  std::uint8_t name_size;
  bool complete;  // Listed since its very first event, so `published` counts all of its events.

  std::string_view name() const { return {name_bytes, name_size}; }
};

static_assert(sizeof(Topic) <= 112, "a topic per user is common: this is paid for each");

class TopicTable {
 public:
  // Requires: 0 < topics_max <= 2^24.
  explicit TopicTable(std::size_t topics_max);
  ~TopicTable();
  TopicTable(const TopicTable&) = delete;
  TopicTable& operator=(const TopicTable&) = delete;

  bool full() const { return rows_.rented() == rows_.capacity(); }
  std::size_t size() const { return rows_.rented(); }
  std::size_t end() const { return rows_.end(); }  // One past the highest row.
  bool listed(std::size_t row) const { return rows_.is_rented(row); }

  Topic& operator[](TopicRow row) { return rows_[row]; }
  const Topic& operator[](TopicRow row) const { return rows_[row]; }

  std::optional<TopicRow> find(std::uint64_t hash, std::string_view name) const;

  // Adds a topic without history, as the newest of its list. The row is all zero except for name
  // and hash. Requires: !full(); the name is not listed and has at most 255 bytes.
  TopicRow add(std::uint64_t hash, std::string_view name);

  // Removes a topic. Requires: the topic has no events.
  void remove(TopicRow row);

  // Makes the topic the newest of those with history. Requires: events > 0.
  void published_to(TopicRow row);
  // Makes the topic the newest of those without history. Requires: events == 0.
  void became_empty(TopicRow row);

  // Return the topic that was published to, or lost its last event, longest ago.
  std::optional<TopicRow> stalest_with_history() const { return with_history_.oldest(); }
  std::optional<TopicRow> stalest_empty() const { return empty_.oldest(); }

  // For checks, O(topics): each topic is in the list where it belongs.
  bool lists_complete() const;

 private:
  struct List {
    static constexpr TopicRow kNone = ~TopicRow{0};
    TopicRow first = kNone;
    TopicRow last = kNone;

    std::optional<TopicRow> oldest() const {
      return first == kNone ? std::nullopt : std::optional<TopicRow>(first);
    }
  };

  void append(List& list, TopicRow row);
  void unlink(TopicRow row);

  IndexPool<Topic> rows_;
  HashIndex index_;
  List with_history_;
  List empty_;
};

}  // namespace crier::broadcast
