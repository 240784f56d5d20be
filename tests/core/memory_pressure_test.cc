#include "core/memory_pressure.h"

#include <vector>

#include "tests/support/catch.h"

namespace crier {
namespace {

constexpr std::uint64_t kLimit = 1'000'000'000'000;

MemoryStage look(MemoryPressure& pressure, std::uint64_t percent, std::uint64_t second) {
  return pressure.look(kLimit / 100 * percent, kLimit, Instant{1 + second * 1'000'000});
}

TEST_CASE("each stage begins at its share of the limit, at once") {
  struct Row {
    std::uint64_t percent;
    MemoryStage stage;
  };
  const Row rows[] = {
      {0, MemoryStage::ok},
      {74, MemoryStage::ok},
      {75, MemoryStage::warn},
      {80, MemoryStage::replays_wait},
      {85, MemoryStage::refuse_streams},
      {89, MemoryStage::refuse_streams},
      {90, MemoryStage::end_streams},
      {95, MemoryStage::refuse_events},
      {100, MemoryStage::refuse_events},
      {100'000, MemoryStage::refuse_events},
  };
  for (const Row& row : rows) {
    MemoryPressure pressure;
    CAPTURE(row.percent);
    CHECK(look(pressure, row.percent, 0) == row.stage);
  }
}

TEST_CASE("a stage falls after ten seconds in which the use was a tenth lower") {
  MemoryPressure pressure;
  CHECK(look(pressure, 96, 0) == MemoryStage::refuse_events);
  for (std::uint64_t second = 1; second <= 60; ++second) {
    CHECK(look(pressure, 86, second) == MemoryStage::refuse_events);  // Not low enough.
  }
  CHECK_FALSE(pressure.falls());
  CHECK(look(pressure, 84, 61) == MemoryStage::refuse_events);
  CHECK(pressure.falls());
  CHECK(look(pressure, 84, 70) == MemoryStage::refuse_events);
  CHECK(look(pressure, 84, 71) == MemoryStage::end_streams);
  // Another ten seconds count for the next one, from the time at which the use is low enough.
  CHECK(look(pressure, 76, 72) == MemoryStage::end_streams);
  CHECK(look(pressure, 86, 78) == MemoryStage::end_streams);
  CHECK(look(pressure, 64, 79) == MemoryStage::end_streams);
  CHECK(pressure.level() == MemoryStage::ok);
  CHECK(look(pressure, 69, 85) == MemoryStage::end_streams);
  CHECK(look(pressure, 64, 88) == MemoryStage::end_streams);
  CHECK(look(pressure, 64, 89) == MemoryStage::warn);  // The highest of these ten seconds.
  CHECK(look(pressure, 64, 90) == MemoryStage::warn);
  CHECK(look(pressure, 64, 100) == MemoryStage::ok);
  CHECK(look(pressure, 81, 101) == MemoryStage::replays_wait);  // It rises at once again.
}

TEST_CASE("without a limit there is no pressure") {
  MemoryPressure pressure;
  CHECK(pressure.look(kLimit, kLimit, Instant{1}) == MemoryStage::refuse_events);
  CHECK(pressure.look(kLimit, 0, Instant{2}) == MemoryStage::refuse_events);
  CHECK(pressure.look(kLimit, 0, Instant{10'000'002}) == MemoryStage::ok);
}

}  // namespace
}  // namespace crier
