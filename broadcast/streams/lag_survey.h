// The streams that are the furthest behind, for a page: the sweep shows it each stream that is
// behind as it visits it.
//
// The key is the sequence of the oldest event that the stream is not sent yet; the lower, the
// further behind. Looking at a stream costs a few cache misses, so if very many streams are behind,
// the survey looks at one in so many. It ends by itself when its result is not taken for kSeconds.
//
// Belongs to one worker.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "broadcast/streams/stream_table.h"
#include "core/instant.h"

namespace crier::broadcast {

class LagSurvey {
 public:
  static constexpr std::size_t kStreams = 10;
  static constexpr std::uint64_t kSeconds = 5;
  static constexpr std::uint64_t kLooksPerRound = 10'000;  // A millisecond or two.

  struct Found {
    std::uint64_t sequence = 0;
    StreamToken token;
  };

  explicit LagSurvey(Instant now) : taken_at_(now) {}

  bool is_over(Instant now) const { return now.us - taken_at_.us > kSeconds * 1'000'000; }

  // Requires: the stream is owing or replaying.
  void see(const StreamTable& streams, StreamIndex index) {
    if (seen_++ % every_ != 0) return;
    const Stream& stream = streams[index];
    const std::uint64_t oldest = streams.owing(stream).oldest_sequence();
    if (oldest == 0) return;  // It is about to ask the log, which may have nothing for it.
    const Found found{oldest, streams.token(index)};
    if (found_.size() == kStreams && found.sequence >= found_.back().sequence) return;
    std::erase_if(found_, [&](const Found& each) { return each.token.index == index; });
    if (found_.size() == kStreams) found_.pop_back();
    found_.insert(std::ranges::upper_bound(found_, found.sequence, {}, &Found::sequence), found);
  }

  // Returns what was found since the last call, the furthest behind first, at most kStreams. Some
  // may have caught up or ended since.
  std::vector<Found> take(Instant now) {
    taken_at_ = now;
    every_ = std::exchange(seen_, 0) / kLooksPerRound + 1;
    return std::exchange(found_, {});
  }

 private:
  Instant taken_at_;
  std::uint64_t seen_ = 0;  // Since the last take().
  std::uint64_t every_ = 1;
  std::vector<Found> found_;  // Lowest sequence first.
};

}  // namespace crier::broadcast
