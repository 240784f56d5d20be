// Runs as many seeds as CRIER_SEEDS says (default 200), or the one that CRIER_SEED names.
#include <cstdlib>
#include <string>

#include "tests/simulate/world.h"
#include "tests/support/catch.h"

namespace crier::broadcast::simulate {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

Happened live_through(std::uint64_t seed) {
  INFO("CRIER_SEED=" << seed);
  World world(seed);
  return world.run();
}

}  // namespace

TEST_CASE("no subscriber loses an event silently, whatever happens") {
  if (const std::uint64_t seed = number_from("CRIER_SEED", 0); seed != 0) {
    live_through(seed);
    return;
  }
  const std::uint64_t seeds = number_from("CRIER_SEEDS", 200);
  Happened all;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) all.add(live_through(seed));
  if (seeds < 100) return;
  // The simulation must reach each of these cases, or it proves little.
  CHECK(all.delivered > seeds * 100);
  CHECK(all.refused > 0);
  CHECK(all.patterns_refused > 0);
  CHECK(all.topics_full > 0);
  CHECK(all.rows_full > 0);
  CHECK(all.over > 0);
  CHECK(all.gave_way > 0);
  CHECK(all.dropped > 0);
  CHECK(all.superseded > 0);
  CHECK(all.lags > 0);
  CHECK(all.losses > all.topic_losses);
  CHECK(all.topic_losses > 0);
  CHECK(all.paced > 0);
  CHECK(all.replayed > 0);
  CHECK(all.heartbeats > 0);
  for (std::size_t i = 0; i < kNamesOf<GapReason>.size(); ++i) {
    INFO(kNamesOf<GapReason>[i]);
    CHECK(all.gaps[i] > 0);
  }
  for (std::size_t i = 0; i < kNamesOf<EndReason>.size(); ++i) {
    INFO(kNamesOf<EndReason>[i]);
    if (static_cast<EndReason>(i) != EndReason::no_memory) CHECK(all.ended[i] > 0);
  }
}

}  // namespace crier::broadcast::simulate
