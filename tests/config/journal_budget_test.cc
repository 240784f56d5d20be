// What a journal adds to the budget.
#include <cstdint>
#include <string>

#include "config/budget.h"
#include "tests/support/catch.h"

namespace crier::config {

TEST_CASE("a journal on a disk has a survey of the history, and what waits for the disk") {
  Config config;
  config.history.bytes_max = 64'000'000;
  config.limits.request_bytes_max = 1'000'000;
  config.limits.topics_max = 1'000;
  const Budget without = budget_of(config, 2);
  CHECK(to_table(without).find("journal") == std::string::npos);
  config.journal.kind = JournalKind::sqlite;
  const Budget with = budget_of(config, 2);
  CHECK(with.full_bytes - without.full_bytes == 4'000'000);
  CHECK(with.worst_bytes - without.worst_bytes ==
        4'000'000 + 3 * (16 * 1'024 * 1'024 + 1'000'000) + (1'000 + 65'536) * 80);
  CHECK(to_table(with).find("journal's survey") != std::string::npos);
}

TEST_CASE("a journal in a stream costs its library, and at worst the events on their way") {
  Config config;
  const Budget before = budget_of(config, 2);
  config.journal.kind = JournalKind::nats;
  const Budget after = budget_of(config, 2);
  CHECK(after.full_bytes - before.full_bytes == std::uint64_t{5} << 20);
  CHECK(after.worst_bytes - before.worst_bytes == std::uint64_t{5 + 64} << 20);
}

}  // namespace crier::config
