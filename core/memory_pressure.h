// How close a process is to its memory limit, in stages that are met one after the other.
//
//   stage           from    what the daemon does, besides what the earlier stages do
//   ok
//   warn            75 %    says so in the log
//   replays_wait    80 %    shrinks the history and answers one replay at a time
//   refuse_streams  85 %    tells new streams to come back later
//   end_streams     90 %    ends the streams that are owed most
//   refuse_events   95 %    refuses what publishers send
//
// The stage rises at once. It falls after 10 s in which the use was a tenth of the limit below the
// stage's beginning, so that what a stage achieves does not end it at once. The level is the stage
// that the use of this moment would have without that delay.
//
// Belongs to one thread. Time must not go back from call to call.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/instant.h"
#include "core/names.h"

namespace crier {

enum class MemoryStage : std::uint8_t {
  ok,
  warn,
  replays_wait,
  refuse_streams,
  end_streams,
  refuse_events,
};
constexpr std::array<std::string_view, 6> names_of(MemoryStage /*selects*/) {
  return {"ok", "warn", "replays_wait", "refuse_streams", "end_streams", "refuse_events"};
}

// How short memory is, for all threads; one of them writes.
struct MemoryShortage {
  std::atomic<MemoryStage> stage{MemoryStage::ok};
  std::atomic<MemoryStage> level{MemoryStage::ok};

  bool is_at(MemoryStage wanted) const { return stage.load(std::memory_order_relaxed) >= wanted; }
  bool level_is_at(MemoryStage wanted) const {
    return level.load(std::memory_order_relaxed) >= wanted;
  }
};

class MemoryPressure {
 public:
  static constexpr std::array<std::uint64_t, kNamesOf<MemoryStage>.size()> kFromPercent = {
      0, 75, 80, 85, 90, 95};
  static constexpr std::uint64_t kFallPercent = 10;
  static constexpr std::uint64_t kFallSeconds = 10;

  MemoryStage stage() const { return stage_; }
  MemoryStage level() const { return level_; }
  // Whether the use is low enough for the stage to fall, if it stays so.
  bool falls() const { return low_since_.us != 0; }

  // Takes a new reading of the use and returns the stage. `limit` 0: none, and the stage is ok.
  MemoryStage look(std::uint64_t bytes, std::uint64_t limit, Instant now) {
    const std::uint64_t percent = limit == 0 ? 0 : percent_of(bytes, limit);
    level_ = highest(percent);
    if (level_ > stage_) {
      stage_ = level_;
      low_since_ = {};
    }
    const MemoryStage may_fall_to = highest(percent + kFallPercent);
    if (may_fall_to >= stage_) {
      low_since_ = {};
    } else if (low_since_.us == 0) {
      low_since_ = now;
      falls_to_ = may_fall_to;
    } else {
      falls_to_ = std::max(falls_to_, may_fall_to);
      if (now.us - low_since_.us >= kFallSeconds * 1'000'000) {
        stage_ = falls_to_;
        low_since_ = {};
      }
    }
    return stage_;
  }

 private:
  // The use may exceed the limit by far, and both may be large.
  static std::uint64_t percent_of(std::uint64_t bytes, std::uint64_t limit) {
    return bytes >= limit ? 100
                          : static_cast<std::uint64_t>(100.0 * static_cast<double>(bytes) /
                                                       static_cast<double>(limit));
  }

  static MemoryStage highest(std::uint64_t percent) {
    std::size_t stage = 0;
    while (stage + 1 < kFromPercent.size() && percent >= kFromPercent[stage + 1]) ++stage;
    return static_cast<MemoryStage>(stage);
  }

  MemoryStage stage_ = MemoryStage::ok;
  MemoryStage level_ = MemoryStage::ok;
  MemoryStage falls_to_ = MemoryStage::ok;  // The highest that was low enough since low_since_.
  Instant low_since_;  // Since when the use has been low enough to fall; 0: it is not.
};

}  // namespace crier
