// Answers replay requests from the history. The protocol is in replay.h.
//
// Literal topics follow their chains, merged by sequence. If a subscription is a pattern, the
// history is scanned in sequence order. Both do a bounded share per answer and always make
// progress. With `newest_only` a chain is entered at its newest event, and a scan passes over every
// event that is not the newest of its topic.
//
// For each literal topic the replayer makes the closing event again if the history has lost it. So
// as long as the topic is remembered, its closing event is not a loss.
//
// Belongs to the control loop. All that the constructor is given must outlive the replayer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "broadcast/log/closed_topics.h"
#include "broadcast/log/event_encoder.h"
#include "broadcast/log/forgotten_topics.h"
#include "broadcast/log/history.h"
#include "broadcast/log/replay.h"
#include "broadcast/log/topic_table.h"
#include "core/keyed_hash.h"

namespace crier::broadcast {

// Bounds on one answer. Together they take a few hundred microseconds of the control loop.
inline constexpr std::size_t kScanEntriesMax = 4'096;   // Entries scanned; also frames given.
inline constexpr std::size_t kScanMatchesMax = 16'384;  // Comparisons of a pattern with a topic.
inline constexpr std::size_t kScanTopicsMax = 131'072;  // Topics that a pattern asks for losses.
// One comparison costs as much as asking so many topics.
inline constexpr std::size_t kTopicsPerMatch = kScanTopicsMax / kScanMatchesMax;
// And so many are as dear as finding a literal topic, which misses several caches, and as a frame.
inline constexpr std::size_t kTopicsPerLiteral = 32;
inline constexpr std::size_t kTopicsPerFrame = 4;

class Replayer {
 public:
  struct Parts {
    const TopicTable& topics;
    const History& history;
    const ForgottenTopics& forgotten;
    const ClosedTopics& closed;
  };
  Replayer(const Parts& parts, const Epoch& epoch, const HashKey& topic_key)
      : topics_(parts.topics),
        history_(parts.history),
        forgotten_(parts.forgotten),
        closed_(parts.closed),
        topic_key_(topic_key),
        encoder_(epoch, topic_key, nullptr) {}

  // `head` is the sequence of the log's newest event.
  ReplayAnswer answer(const ReplayRequest& request, std::uint64_t head);

 private:
  // The position in the chain of one topic; or a closing event that was made again, and `at` is
  // History::end().
  struct Cursor {
    std::uint64_t sequence = 0;
    History::Position at = 0;
    History::Position last = 0;
    FrameRef made = {};
  };
  // The loss of the subscriptions after some sequence, as far as it was not told before.
  struct Loss {
    Evicted evicted;  // through == 0: nothing was lost.
    std::optional<std::uint64_t> missed = 0;
  };
  struct Literal {
    std::uint64_t hash = 0;
    std::optional<TopicRow> row;
    std::uint64_t after = 0;  // Only later events are wanted.
    Closing closing = {};
    std::string_view name = {};

    // Whether the history has lost the closing event, and with it all events of the topic.
    bool lost_closing(const TopicTable& topics) const {
      return closing && (!row || topics[*row].events == 0);
    }
  };

  void resolve(const ReplayRequest& request, std::uint64_t after);
  std::shared_ptr<const LastStarts> starts(std::uint64_t head) const;
  Loss find_loss(std::uint64_t told);
  Evicted loss_of(const Literal& literal) const;
  // Returns true if a retained event supersedes all that the topic has lost. A topic loses its
  // oldest event first, except where a journal has lost some.
  bool superseded(const Topic& topic) const {
    return newest_only_ && topic.events > 0 &&
           history_.at(topic.newest).sequence > topic.evicted.through;
  }
  Evicted find_pattern_loss(std::uint64_t told);
  bool matches_any_pattern(std::string_view topic) const;

  void cursors_after();
  void cursors_at_last(std::uint32_t count, std::uint64_t head);
  void add_cursor(History::Position from, TopicRow row);
  void add_made_closing(const Literal& literal);
  void merge(const ReplayRequest& request, std::uint64_t head, ReplayAnswer& answer);
  void scan(const ReplayRequest& request, std::uint64_t after, std::uint64_t head,
            ReplayAnswer& answer);
  void begin_verdicts();
  bool wanted(const History::Entry& entry, std::size_t& matches);

  const TopicTable& topics_;
  const History& history_;
  const ForgottenTopics& forgotten_;
  const ClosedTopics& closed_;
  HashKey topic_key_;
  EventEncoder encoder_;

  // State of the current request. Members, so that their memory is kept.
  std::vector<Literal> literals_;
  std::vector<std::string_view> patterns_;
  std::uint64_t patterns_after_ = 0;
  bool newest_only_ = false;
  std::vector<Cursor> cursors_;
  std::size_t work_ = 0;  // See ReplayAnswer::work.
  // Whether a topic is subscribed, by row: `verdict_base_` means no and `verdict_base_ + 1` means
  // yes. Any other value is of an earlier request, and the topic was not compared yet.
  std::vector<std::uint32_t> verdicts_;
  std::uint32_t verdict_base_ = 0;
};

}  // namespace crier::broadcast
