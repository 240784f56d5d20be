#include "cmd/daemon/memory_watch.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

#include "core/units.h"

namespace crier::cmd {
namespace {

constexpr std::uint64_t kFilledPerMs = 1 * kMiB;  // By the control loop, at its fastest.
constexpr std::uint64_t kDueMsMin = 4;
constexpr std::uint64_t kDueMsMax = 250;

constexpr std::array<std::string_view, kNamesOf<MemoryStage>.size()> kStageEffects = {
    "none",
    "none yet",
    "the history shrinks, and replays wait for one another",
    "the history shrinks, replays wait, and new streams are refused",
    "the history shrinks, replays wait, new streams are refused, and those owed most end",
    "the history shrinks, replays wait, streams are refused and end, and publishers are refused",
};

}  // namespace

void MemoryWatch::look(Instant now) {
  parts_.account(reading_);
  const MemoryUse use = parts_.kernel();
  anonymous_ = use.anonymous.value_or(anonymous_);
  if (use.sockets) reading_.set(MemoryPart::sockets, *use.sockets);
  reading_.set_anonymous(anonymous_);
  const MemoryStage before = reading_.stage;
  reading_.stage = pressure_.look(reading_.used(), reading_.limit, now);
  due_ = after_ms(now, ms_until_due());
  parts_.shortage.level.store(level(), std::memory_order_relaxed);
  if (reading_.stage == before) return;
  parts_.shortage.stage.store(reading_.stage, std::memory_order_relaxed);
  tell(before);
}

std::uint32_t MemoryWatch::ms_until_due() const {
  const std::uint64_t left = reading_.limit - std::min(reading_.limit, reading_.used());
  return static_cast<std::uint32_t>(std::clamp(left / kFilledPerMs, kDueMsMin, kDueMsMax));
}

// Ending streams helps only if what they are owed is a tenth of the limit or more.
MemoryStage MemoryWatch::level() const {
  const std::uint64_t owed = reading_.of(MemoryPart::rings) + reading_.of(MemoryPart::owed_frames) +
                             reading_.of(MemoryPart::sockets);
  const bool helps = owed >= reading_.limit / 10;
  return helps ? pressure_.level() : std::min(pressure_.level(), MemoryStage::refuse_streams);
}

void MemoryWatch::tell(MemoryStage before) {
  const auto stage = static_cast<std::size_t>(reading_.stage);
  const MemoryPart largest = reading_.largest();
  const Field fields[] = {{"stage", kNamesOf<MemoryStage>[stage]},
                          {"before", to_string(before)},
                          {"effect", kStageEffects[stage]},
                          {"used_mib", reading_.used() / kMiB},
                          {"limit_mib", reading_.limit / kMiB},
                          {"largest_part", to_string(largest)},
                          {"largest_part_mib", reading_.of(largest) / kMiB}};
  if (reading_.stage > before) {
    parts_.log.write(Level::warning, "memory is short", fields);
  } else {
    parts_.log.write(Level::info, "memory is less short", fields);
  }
}

}  // namespace crier::cmd
