// The topics the log lists: found by name, walked in table order, and those without history in the
// order in which they were published to.
//
// Belongs to the control loop. A row never moves; its number is good until remove().
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

// Zero bytes when rented; trivially destructible, as IndexPool asks.
struct Topic {
  const char* name_bytes;  // The table's.
  std::uint64_t hash;
  Evicted evicted;
  std::uint64_t first_sequence;  // Of its first event since it is listed.

  // Kept by History. Positions mean something only while events > 0.
  std::uint64_t published;  // Since it is listed; the number of its newest event.
  std::uint64_t bytes;
  std::uint32_t events;
  std::uint32_t oldest;
  std::uint32_t newest;

  // Neighbours in the list of topics with history or of those without.
  TopicRow older;
  TopicRow newer;

  // Events per second: a moving average, and what came since it was last worked out.
  float rate;
  std::uint32_t rate_events;
  Tick rate_at;

  std::uint32_t classes_version;  // Of the classes that `topic_class` is an index of.
  ClassIndex topic_class;
  std::uint8_t name_size;
  bool complete;  // Listed since its very first event, so `published` counts all of them.

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

  // A new row, all zero but for name and hash, newest of those without history.
  // Requires: !full(), the name is not listed and has at most 255 bytes.
  TopicRow add(std::uint64_t hash, std::string_view name);

  // Requires: the topic has no events.
  void remove(TopicRow row);

  // Moves it to the newest place of the list it now belongs into.
  void published_to(TopicRow row);  // Those with history. Requires: events > 0.
  void became_empty(TopicRow row);  // Those without. Requires: events == 0.

  // The one published to, or emptied, longest ago.
  std::optional<TopicRow> stalest_with_history() const { return with_history_.oldest(); }
  std::optional<TopicRow> stalest_empty() const { return empty_.oldest(); }

  // O(topics), for checks: each topic is in the list it belongs into.
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
