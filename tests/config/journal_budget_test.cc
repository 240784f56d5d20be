// What a journal adds to the budget.
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

}  // namespace crier::config
