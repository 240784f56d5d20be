#include "config/memory_max.h"

#include <limits>

#include "tests/support/catch.h"

namespace crier::config {

TEST_CASE("limits.memory_max is off, a share, or bytes with a unit") {
  struct Row {
    const char* text;
    std::uint64_t of_1000;  // The limit on a machine with so many bytes.
  };
  const Row rows[] = {
      {"off", 0},
      {"80%", 800},
      {"1%", 10},
      {"100%", 1'000},
      {"1", 1},
      {"500", 500},
      {"2000", 2'000},
      {"1K", 1'024},
      {"3M", 3 << 20},
      {"2G", 2ULL << 30},
      {"1T", 1ULL << 40},
      {"0080%", 800},
      {"18446744073709551615", std::numeric_limits<std::uint64_t>::max()},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    REQUIRE(parse_memory_max(row.text));
    CHECK(memory_limit(row.text, 1'000) == row.of_1000);
  }
  for (const char* text :
       {"", "0", "0%", "101%", "-1", "+5", "1.5G", "5 G", "5g", "5GB", "G", "%", "%5", "Off",
        "auto", "18446744073709551616", "16777216T", "99999999999T"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_memory_max(text));
  }
}

TEST_CASE("a share of memory neither wraps nor loses more than a byte") {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  CHECK(memory_limit("100%", kMost) == kMost);
  CHECK(memory_limit("80%", 199) == 159);
  CHECK(memory_limit("80%", 0) == 0);  // Unknown.
}

}  // namespace crier::config
