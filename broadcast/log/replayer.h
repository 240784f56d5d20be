// Answers replay requests out of the history; the rules are in replay.h.
//
// Literal topics follow their chains, merged by sequence; where a pattern is among the
// subscriptions, the ring is scanned. Both do a bounded share an answer and always get on.
//
// Belongs to the control loop. What it is given must outlive it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "broadcast/log/forgotten_topics.h"
#include "broadcast/log/history.h"
#include "broadcast/log/replay.h"
#include "broadcast/log/topic_table.h"
#include "core/keyed_hash.h"

namespace crier::broadcast {

// What one answer may cost, as a few hundred microseconds of the control loop.
inline constexpr std::size_t kScanEntriesMax = 4'096;   // Entries scanned, frames given.
inline constexpr std::size_t kScanMatchesMax = 16'384;  // Patterns compared with topics.
inline constexpr std::size_t kScanTopicsMax = 131'072;  // Topics asked for losses, by a pattern.
// A comparison costs as much as asking so many topics.
inline constexpr std::size_t kTopicsPerMatch = kScanTopicsMax / kScanMatchesMax;

class Replayer {
 public:
  Replayer(const TopicTable& topics, const History& history, const ForgottenTopics& forgotten,
           const HashKey& topic_key)
      : topics_(topics), history_(history), forgotten_(forgotten), topic_key_(topic_key) {}

  // `head`: sequence of the log's newest event.
  ReplayAnswer answer(const ReplayRequest& request, std::uint64_t head);

 private:
  // Where the chain of one topic is read.
  struct Cursor {
    std::uint64_t sequence = 0;
    History::Position at = 0;
    History::Position last = 0;
  };
  // What the subscriptions lost after some sequence and beyond what was told.
  struct Loss {
    Evicted evicted;  // through == 0: nothing.
    std::optional<std::uint64_t> missed = 0;
  };
  struct Literal {
    std::uint64_t hash = 0;
    std::optional<TopicRow> row;
    std::uint64_t after = 0;  // Nothing up to and including this is wanted.
  };

  void resolve(const ReplayRequest& request, std::uint64_t after);
  std::shared_ptr<const LastStarts> starts(std::uint64_t head) const;
  Loss loss(std::uint64_t told);
  Evicted pattern_loss(std::uint64_t told);
  bool matches_any_pattern(std::string_view topic) const;

  void cursors_after();
  void cursors_at_last(std::uint32_t count, std::uint64_t head);
  void add_cursor(History::Position from, TopicRow row);
  void merge(const ReplayRequest& request, std::uint64_t head, ReplayAnswer& answer);
  void scan(const ReplayRequest& request, std::uint64_t after, std::uint64_t head,
            ReplayAnswer& answer);
  void begin_verdicts();
  bool wanted(const History::Entry& entry, std::size_t& matches);

  const TopicTable& topics_;
  const History& history_;
  const ForgottenTopics& forgotten_;
  HashKey topic_key_;

  // Of the present request; members so that their memory is kept.
  std::vector<Literal> literals_;
  std::vector<std::string_view> patterns_;
  std::uint64_t patterns_after_ = 0;
  std::vector<Cursor> cursors_;
  std::size_t work_ = 0;  // ReplayAnswer::work
  // Is a topic subscribed? Per row `question_` (no) or `question_ + 1` (yes); anything else: not
  // asked yet.
  std::vector<std::uint32_t> verdicts_;
  std::uint32_t question_ = 0;
};

}  // namespace crier::broadcast
