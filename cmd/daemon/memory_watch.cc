#include "cmd/daemon/memory_watch.h"

#include <array>
#include <cstddef>
#include <string_view>

#include "core/units.h"

namespace crier::cmd {
namespace {

constexpr std::array<std::string_view, kNamesOf<MemoryStage>.size()> kStageEffects = {
    "none",
    "none yet",
    "replays wait",
    "replays wait and new streams are refused",
    "replays wait, new streams are refused, and the streams that are owed most end",
    "as before, and publishers are refused",
};

}  // namespace

void MemoryWatch::look(Instant now) {
  parts_.account(reading_);
  if (kernel_seconds_.over(now) || reading_.stage != MemoryStage::ok) {
    const MemoryUse use = parts_.kernel();
    reading_.set(MemoryPart::anonymous, use.anonymous);
    reading_.set(MemoryPart::sockets, use.sockets);
  }
  const MemoryStage before = reading_.stage;
  reading_.stage = pressure_.look(reading_.used(), reading_.limit, now);
  if (reading_.stage == before) return;
  parts_.stage.store(reading_.stage, std::memory_order_relaxed);
  tell(before);
}

void MemoryWatch::tell(MemoryStage before) {
  const auto stage = static_cast<std::size_t>(reading_.stage);
  const std::size_t largest = reading_.largest();
  const Field fields[] = {{"stage", kNamesOf<MemoryStage>[stage]},
                          {"before", to_string(before)},
                          {"effect", kStageEffects[stage]},
                          {"used_mib", reading_.used() / kMiB},
                          {"limit_mib", reading_.limit / kMiB},
                          {"largest_part", kNamesOf<MemoryPart>[largest]},
                          {"largest_part_mib", reading_.of(largest) / kMiB}};
  if (reading_.stage > before) {
    parts_.log.write(Level::warning, "memory is short", fields);
  } else {
    parts_.log.write(Level::info, "memory is less short", fields);
  }
}

}  // namespace crier::cmd
